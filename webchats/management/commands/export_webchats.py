"""Write an organization's webchats to a file."""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from webchats.management.arguments import organization_of
from webchats.models import Webchat
from webchats.transfer.exporter import export
from webchats.transfer.importer import format_of
from webchats.transfer.readers import FORMATS


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
        if output is None:
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return
        # Beside it first, so that a half-written file never has the name.
        beside = output.with_name(f".{output.name}.part")
        try:
            with beside.open("wb") as file:
                file.writelines(chunks)
            beside.replace(output)
        finally:
            beside.unlink(missing_ok=True)
