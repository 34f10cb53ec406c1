"""``manage.py export_webchats --organization NAME --output FILE``."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser

from webchats.imports.exporter import export
from webchats.imports.formats import FORMATS, detect_format
from webchats.management import cli
from webchats.models import Webchat


class Command(BaseCommand):
    """Exports webchats, oldest first."""

    help = "Export the webchats of an organization as CSV, JSON, NDJSON or XLSX."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--organization", required=True, help="Id or name of the organization.")
        add(
            "--format",
            choices=FORMATS,
            dest="format_name",
            help="Default: from the file name, else csv.",
        )
        add("--output", type=Path, metavar="FILE", help="Default: standard output.")

    def handle(
        self, *, organization: str, format_name: str | None, output: Path | None, **_: object
    ) -> None:
        source = cli.find_organization(organization)
        format_name = format_name or (output and detect_format(output.name)) or "csv"
        # Ids sort by the time of creation, and an import keeps them.
        webchats = Webchat.objects.for_organization(source.pk).order_by("pk")
        chunks = export(webchats, format_name)
        with cli.open_replacement(output) as file:
            if file:
                file.writelines(chunks)
        if output is None:
            _print(chunks)


def _print(chunks: Iterable[bytes]) -> None:
    try:
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
    except OSError as error:
        # Otherwise Python writes the rest of its buffer when it exits, and fails again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        cli.raise_for("Standard output", error)
