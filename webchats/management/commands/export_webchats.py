"""Write an organization's webchats to a file."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from webchats.imports.exporter import export
from webchats.imports.formats.readers import FORMATS
from webchats.imports.importer import format_of
from webchats.management import cli as files
from webchats.management.cli import organization_of
from webchats.models import Webchat


class Command(BaseCommand):
    """``export_webchats --organization NAME [--format csv] [--output FILE]``."""

    help = "Write an organization's webchats as CSV, JSON, NDJSON or XLSX."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, help="Its id or its name.")
        parser.add_argument("--format", choices=FORMATS, help="Default: as FILE is named, or csv.")
        parser.add_argument("--output", type=Path, metavar="FILE", help="Default: standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Oldest first: the order of the ids, which an import of the file keeps."""
        organization = organization_of(options["organization"])
        output: Path | None = options["output"]
        format_name = options["format"] or (output and format_of(output.name)) or "csv"
        webchats = Webchat.objects.for_organization(organization.pk).order_by("pk")
        chunks = export(webchats, format_name)
        with files.replacing(output) as file:
            if file:
                file.writelines(chunks)
        if output is None:
            _print(chunks)


def _print(chunks: Iterable[bytes]) -> None:
    try:
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is left of it is not to be tried again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise files.failure("Standard output", error) from None
