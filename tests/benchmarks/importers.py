"""Importers to compare: the command, django-import-export, ``save()`` in a loop, and COPY."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import tablib
from django.db import connection, transaction
from import_export import resources

from organizations.models import Organization, Pipeline, Prompt, Stage, User
from tests.benchmarks.servers import ROOT, environment
from webchats.models import Webchat

#: Prepares the import of a number of rows. Returns a function that imports them and returns the
#: seconds it took.
Importer = Callable[[int], Callable[[], float]]


def timed(function: Callable[[], object]) -> Callable[[], float]:
    """Return a function that calls another one and returns the seconds it took."""

    def call() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return call


class Rows:
    """The rows to import, of one organization, in a database without other rows."""

    def __init__(self, count: int, folder: Path) -> None:
        self.count = count
        self.folder = folder
        self.organization = Organization.objects.create(name="Benchmark")
        self.user = User.objects.create_user(
            "b@example.com", None, organization=self.organization, access_role="ADMIN"
        )
        self.prompts = [
            Prompt.objects.create(
                organization=self.organization, name=f"Prompt {number}", instructions="Answer."
            )
            for number in range(10)
        ]
        self.pipeline = Pipeline.objects.create(organization=self.organization, name="Pipe")
        self.stage = Stage.objects.create(pipeline=self.pipeline, name="New", slug="new")

    def webchat(self, number: int) -> Webchat:
        """Return an unsaved webchat. Names and domains are unique, colors repeat."""
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

    def webchats(self, count: int) -> list[Webchat]:
        """Return the first ``count`` webchats, unsaved."""
        return [self.webchat(number) for number in range(count)]

    @cached_property
    def csv(self) -> Path:
        """The path of a CSV file with every row."""
        path = self.folder / "webchats.csv"
        lines = [
            "name,description,starterMessage,backgroundColor,primaryColor,secondaryColor,"
            "statusText,csatThankYouMessage,allowedDomains,promptId,pipelineId,initialStage,offsetX"
        ]
        lines += (
            f'{row.name},"{row.description}",{row.starter_message},{row.background_color},'
            f"{row.primary_color},{row.secondary_color},{row.status_text},"
            f"{row.csat_thank_you_message},{' '.join(row.allowed_domains)},{row.prompt_id},"
            f"{row.pipeline_id},{row.initial_stage},{row.offset_x}"
            for row in map(self.webchat, range(self.count))
        )
        path.write_text("\r\n".join(lines))
        return path

    def clear(self) -> None:
        """Delete every webchat and its history."""
        tables = [model._meta.db_table for model in (Webchat, Webchat.history.model)]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # PostgreSQL cancels an autovacuum of the tables after a second.
                cursor.execute("SET lock_timeout = 0")
                cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
                cursor.execute("CHECKPOINT")
            else:
                for table in tables:
                    cursor.execute(f"DELETE FROM {table}")


class ImportCommand:
    """``import_webchats`` of a checkout, in a process that runs until the end of ``resources``."""

    def __init__(
        self, rows: Rows, database: str, resources: ExitStack, folder: Path = ROOT
    ) -> None:
        self.rows = rows
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "tests/benchmarks/import_process.py")],
            cwd=folder,
            env=environment(database, folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        resources.callback(self.process.communicate)

    def create(self, _count: int) -> Callable[[], float]:
        """Import a CSV file of new webchats."""
        return self._run

    def update(self, _count: int) -> Callable[[], float]:
        """Import the same file again with ``--update``, which changes nothing."""
        self._run()
        return lambda: self._run("--update")

    def _run(self, *options: str) -> float:
        organization = str(self.rows.organization.pk)
        arguments = [str(self.rows.csv), "--organization", organization, *options]
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        seconds = float(self.process.stdout.readline())
        assert Webchat.objects.count() == self.rows.count
        return seconds


class WebchatResource(resources.ModelResource):
    """django-import-export with its default settings."""

    class Meta:
        model = Webchat


class BulkResource(resources.ModelResource):
    """django-import-export in bulk mode."""

    class Meta:
        model = Webchat
        use_bulk = True
        batch_size = 1_000
        skip_diff = True


def import_export(rows: Rows, resource: resources.ModelResource) -> Importer:
    """Return the importer of a django-import-export resource."""

    def prepare(count: int) -> Callable[[], float]:
        dataset = tablib.Dataset()
        dataset.csv = resource.export(rows.webchats(count)).csv
        return timed(lambda: resource.import_data(dataset, raise_errors=True))

    return prepare


def save(rows: Rows) -> Importer:
    """Return an importer that calls ``full_clean()`` and ``save()``, in one transaction."""

    def prepare(count: int) -> Callable[[], float]:
        webchats = rows.webchats(count)

        def run() -> None:
            with transaction.atomic():
                for row in webchats:
                    row.full_clean()
                    row.save()

        return timed(run)

    return prepare


def bare_rows(rows: Rows) -> Importer:
    """Return the fastest importer: ``COPY`` of a rendered file, on SQLite one ``executemany``.

    It writes the webchats only, without their history.
    """
    Webchat.objects.bulk_create(rows.webchats(rows.count), batch_size=1_000)
    table = Webchat._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                content = b"".join(bytes(chunk) for chunk in copy)
            run = timed(lambda: _copy(f"COPY {table} FROM STDIN", content))
        else:
            stored = cursor.execute(f"SELECT * FROM {table}").fetchall()
            places = ", ".join(["%s"] * len(stored[0]))
            run = timed(lambda: _executemany(f"INSERT INTO {table} VALUES ({places})", stored))
    rows.clear()
    return lambda _count: run


def _copy(statement: str, content: bytes) -> None:
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(content)


def _executemany(statement: str, rows: list[Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, rows)
