"""``manage.py export_webchats --organization NAME --output FILE``."""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from organizations.models import Organization
from webchats.imports.columns import EXPORTED
from webchats.imports.exporter import read_rows
from webchats.imports.formats import FORMATS, detect_format
from webchats.management import cli
from webchats.management.help import CommandWithExample
from webchats.models import Webchat


class Command(CommandWithExample):
    """Exports webchats, oldest first."""

    example = 'manage.py export_webchats --organization "Example Company" --output webchats.csv'
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
        if format_name == "xlsx" and output is None and sys.stdout.isatty():
            raise CommandError("A workbook cannot be shown on a terminal. Use --output FILE.")
        # Ids sort by the time of creation, and an import keeps them.
        webchats = Webchat.objects.for_organization(source.pk).order_by("pk")
        rows = cli.ProgressRows(read_rows(webchats), total=webchats.count())
        # Closed before the connection, which the rows are read from.
        with closing(FORMATS[format_name].write(EXPORTED, rows)) as chunks:
            with cli.open_replacement(output) as file:
                if file:
                    file.writelines(chunks)
            if output is None:
                _print(chunks)
        self._report(rows.count, source, output)

    def _report(self, count: int, source: Organization, output: Path | None) -> None:
        webchats = "webchat" if count == 1 else "webchats"
        target = output or "standard output"
        message = f"Exported {count:,} {webchats} of {source.name} to {target}."
        (self.stdout if output else self.stderr).write(message, self.style.SUCCESS)


def _print(chunks: Iterable[bytes]) -> None:
    """Write to standard output. Exit as other programs do if its reader, such as head, ends."""
    try:
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
    except OSError as error:
        # Otherwise Python writes the rest of its buffer when it exits, and fails again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(128 + signal.SIGPIPE)
        cli.raise_for("Standard output", error)
