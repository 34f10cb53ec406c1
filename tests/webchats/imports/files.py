"""Files to import, and functions that import and export them."""

import io
from typing import Any

from organizations.models import Organization, User
from tests.support import factories
from webchats.imports.columns import EXPORTED
from webchats.imports.exporter import read_rows
from webchats.imports.formats import FORMATS
from webchats.imports.importer import run_import
from webchats.imports.interfaces import ImportObserver
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.report import ImportReport
from webchats.models import Webchat

#: Strings that spreadsheets and text formats tend to change.
STRINGS = (
    "Marketing site",
    "=1+1",
    "'=1+1",
    "''twice",
    "'tis",
    "+49 30 1234",
    "-5",
    "@support",
    "＝full width",
    'say "hello", twice',
    "two\nlines",
    "Windows\r\nlines",
    "old\rMac",
    "a\ttab",
    "a;b,c|d",
    "Grüße, 東京 🎉",
    "007",
    "1e5",
    "true",
    "null",
    "2026-03-12",
    "\u2028separators\u2029\x85\x0b\x0c\x1c.",
    "_x0041_",
    "\ufeffmark",
    "<script>&amp;",
    "x" * 120,
)
DOMAINS: tuple[list[str], ...] = (
    [],
    ["https://example.com"],
    ["example.com", "*.example.com", "http://localhost:3000", "xn--bcher-kva.example"],
)
#: The columns that a new webchat requires.
HEADER = (
    "name",
    "backgroundColor",
    "primaryColor",
    "secondaryColor",
    "prompt",
    "allowedDomains",
    "initialStage",
)


def to_csv(*rows: dict[str, str], more: tuple[str, ...] = ()) -> str:
    """Return a CSV file. Each row is valid except for the cells that its dictionary changes.

    The rows refer to a prompt called "Sales". ``more`` lists columns in addition to ``HEADER``.
    """
    names = [*HEADER, *more]
    lines = [",".join(names)]
    for number, changes in enumerate(rows):
        cells = {
            "name": f"Row {number}",
            "backgroundColor": "#FFFFFF",
            "primaryColor": "#1F2937",
            "secondaryColor": "#3B82F6",
            "prompt": "Sales",
            "allowedDomains": "example.com",
            "initialStage": "new",
            **changes,
        }
        lines.append(",".join('"' + cells.get(name, "").replace('"', '""') + '"' for name in names))
    return "\r\n".join(lines) + "\r\n"


def json_document(prompt_id: str, **changes: Any) -> dict[str, Any]:
    """Return a valid object for a JSON file, with ``changes``."""
    return {
        "name": "Valid",
        "backgroundColor": "#FFF",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "promptId": prompt_id,
        "allowedDomains": ["Example.com"],
        "initialStage": "new",
        **changes,
    }


def import_content(
    content: bytes | str,
    user: User,
    *,
    format_name: str = "csv",
    observer: ImportObserver | None = None,
    **options: Any,
) -> ImportReport:
    """Import ``content`` into the user's organization. ``options`` are ``ImportOptions``."""
    data = content.encode() if isinstance(content, str) else content
    assert user.organization
    return run_import(
        ImportSource(io.BytesIO(data), f"file.{format_name}", format_name),
        organization=user.organization,
        user=user,
        options=ImportOptions(**{"allow_new_ids": True, **options}),
        observer=observer,
    )


def export_content(organization: Organization, format_name: str) -> bytes:
    """Return the content of an export, oldest webchat first."""
    webchats = Webchat.objects.for_organization(organization.pk).order_by("pk")
    return b"".join(FORMATS[format_name].write(EXPORTED, read_rows(webchats)))


def problem_locations(report: ImportReport) -> list[tuple[int | None, str]]:
    """Return the line and field of each problem."""
    return [(problem.line, problem.field) for problem in report.problems]


def create_varied_webchats(user: User, count: int) -> None:
    """Create ``count`` webchats of the user's organization that differ in every field."""
    organization = user.organization
    prompts = factories.PromptFactory.create_batch(3, organization=organization)
    pipeline = factories.PipelineFactory.create(organization=organization)
    stages = [factories.StageFactory.create(pipeline=pipeline) for _ in range(2)]
    webchats = []
    for number in range(count):
        text = STRINGS[number % len(STRINGS)]
        webchat = Webchat(
            organization=organization,
            user=user,
            created_by=user,
            prompt=prompts[number % 3],
            pipeline=pipeline if number % 2 else None,
            pipeline_stage=stages[number % 4 // 2] if number % 4 == 1 else None,
            name=f"{text[:110]} {number}",
            description=text * (number % 5),
            starter_message=text,
            status_text=text[: number % 100],
            background_color=f"#{number % 0xFFFFFF:06x}",
            primary_color="#1F2937",
            secondary_color="#abCDef",
            allowed_domains=DOMAINS[number % 3],
            initial_stage=stages[0].name.upper(),
            is_autopilot=number % 3 == 0,
            is_auto_assigned=number % 2 == 0,
            is_survey_enabled=number % 4 != 0,
            is_enabled=number % 7 != 0,
            position="top-left" if number % 5 == 0 else "bottom-right",
            offset_x=number % 201,
            z_index=number + 1,
        )
        # As validation does.
        for name in ("name", "description", "starter_message", "status_text"):
            setattr(webchat, name, getattr(webchat, name).strip())
        webchat.clean()
        webchats.append(webchat)
    Webchat.objects.bulk_create(webchats)
