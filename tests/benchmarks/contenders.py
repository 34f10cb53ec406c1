"""Who writes many webchats, beside our import: django-import-export, a loop, and the database."""

from collections.abc import Callable
from functools import cached_property
from io import BytesIO
from typing import Any

import tablib
from django.db import connection, transaction
from django.utils import timezone
from import_export import resources

from organizations.models import Organization, Pipeline, Prompt, Stage, User
from webchats.imports import bulk
from webchats.imports.importer import Options, Source, run_import
from webchats.models import Webchat


class WebchatResource(resources.ModelResource):
    """django-import-export as it comes."""

    class Meta:
        model = Webchat


class BulkResource(resources.ModelResource):
    """django-import-export in its bulk mode."""

    class Meta:
        model = Webchat
        use_bulk = True
        batch_size = 1_000
        skip_diff = True


class Contenders:
    """The rows, and who writes them."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.organization = Organization.objects.create(name="Benchmark")
        self.user = User.objects.create_user(
            "b@example.com", None, organization=self.organization, access_role="ADMIN"
        )
        self.prompts = [
            Prompt.objects.create(
                organization=self.organization, name=f"Prompt {n}", instructions="Answer."
            )
            for n in range(10)
        ]
        self.pipeline = Pipeline.objects.create(organization=self.organization, name="Pipe")
        self.stage = Stage.objects.create(pipeline=self.pipeline, name="New", slug="new")

    def webchat(self, number: int) -> Webchat:
        """A webchat such as agencies have: names and domains differ, colours repeat."""
        return Webchat(
            organization=self.organization,
            user=self.user,
            created_by=self.user,
            name=f"Site {number}",
            description=f"The widget of site number {number}, on every page.",
            starter_message="Hi! Looking for pricing?",
            background_color="#FFFFFF",
            primary_color=f"#1F{number % 200 + 20:02X}37",
            secondary_color="#3B82F6",
            status_text="We typically reply within minutes",
            csat_thank_you_message="Thanks for your feedback!",
            allowed_domains=[f"https://site-{number}.example.com", f"*.site-{number}.example"],
            prompt=self.prompts[number % 10],
            pipeline=self.pipeline,
            initial_stage="new",
            offset_x=number % 100,
        )

    # --- The contenders: each prepares, and returns what is to be timed ---

    def ours(self, _count: int) -> Callable[[], Any]:
        """The import of a CSV file: read, checked, written, recorded."""
        source = Source(BytesIO(self._csv), "file.csv", "csv")
        return lambda: self._import(source, Options())

    def ours_update(self, _count: int) -> Callable[[], Any]:
        """The same file again with ``update``: nothing changes."""
        source = Source(BytesIO(self._csv), "file.csv", "csv")
        self._import(source, Options())
        return lambda: self._import(source, Options(update=True))

    def _import(self, source: Source, options: Options) -> None:
        report = run_import(source, organization=self.organization, user=self.user, options=options)
        assert report.is_good, report.problems[:3]

    @cached_property
    def _csv(self) -> bytes:
        lines = [
            "name,description,starterMessage,backgroundColor,primaryColor,secondaryColor,"
            "statusText,csatThankYouMessage,allowedDomains,promptId,pipelineId,initialStage,offsetX"
        ]
        lines += (
            f'{row.name},"{row.description}",{row.starter_message},{row.background_color},'
            f"{row.primary_color},{row.secondary_color},{row.status_text},"
            f"{row.csat_thank_you_message},{' '.join(row.allowed_domains)},{row.prompt_id},"
            f"{row.pipeline_id},{row.initial_stage},{row.offset_x}"
            for row in map(self.webchat, range(self.rows))
        )
        return "\r\n".join(lines).encode()

    def import_export(self, count: int) -> Callable[[], Any]:
        """django-import-export as it comes."""
        return self._import_export(WebchatResource(), count)

    def import_export_bulk(self, count: int) -> Callable[[], Any]:
        """django-import-export in bulk mode."""
        return self._import_export(BulkResource(), count)

    def _import_export(self, resource: Any, count: int) -> Callable[[], Any]:
        dataset = tablib.Dataset()
        dataset.csv = resource.export([self.webchat(number) for number in range(count)]).csv
        return lambda: resource.import_data(dataset, raise_errors=True)

    def save(self, count: int) -> Callable[[], Any]:
        """``full_clean(); save()`` in a loop, in one transaction."""
        rows = [self.webchat(number) for number in range(count)]

        def run() -> None:
            with transaction.atomic():
                for row in rows:
                    row.full_clean()
                    row.save()

        return run

    def floor(self, _count: int) -> Callable[[], Any]:
        """What the database itself needs for ready rows: ``COPY`` of a rendered file, or
        ``executemany`` of tuples."""
        return self._floor

    @cached_property
    def _floor(self) -> Callable[[], Any]:
        rows = [self.webchat(number) for number in range(self.rows)]
        for row in rows:
            row.clean()
            row.created_at = row.updated_at = timezone.now()
        if connection.vendor != "postgresql":
            statement, values = bulk.insert_statement(rows)
            ready = list(values)
            return lambda: _executemany(statement, ready)
        bulk.insert(rows, by=self.user)
        table = Webchat._meta.db_table
        chunks: list[bytes] = []
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copy:
            chunks.extend(bytes(chunk) for chunk in copy)
        self.clear()
        return lambda: _copy(f"COPY {table} FROM STDIN", b"".join(chunks))

    def clear(self) -> None:
        """No webchats, and no history of any."""
        tables = [model._meta.db_table for model in (Webchat, Webchat.history.model)]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
                cursor.execute("CHECKPOINT")
            else:
                for table in tables:
                    cursor.execute(f"DELETE FROM {table}")


def _executemany(statement: str, rows: list[Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def _copy(statement: str, content: bytes) -> None:
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(content)
