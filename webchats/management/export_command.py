"""The commands that export the rows of an organization."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from django.core.management.base import CommandError, CommandParser

from organizations.models import Organization
from organizations.tenancy.models import TenantModel, TenantQuerySet
from webchats.imports.formats import FORMATS, detect_format
from webchats.management import cli
from webchats.management.help import CommandWithExample

_Row = TypeVar("_Row", bound=TenantModel)


class ExportCommand(CommandWithExample, Generic[_Row]):
    """Exports the rows of a model, oldest first."""

    model: type[_Row]
    #: The columns of the file.
    columns: ClassVar[tuple[str, ...]]

    def read_rows(self, rows: TenantQuerySet[_Row], format_name: str) -> Iterator[list[object]]:
        """Return the values of each row, for a file of the format."""
        raise NotImplementedError

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
        stored: TenantQuerySet[_Row] = TenantQuerySet(self.model)
        stored = stored.for_organization(source.pk).order_by("pk")
        rows = cli.ProgressRows(self.read_rows(stored, format_name), total=stored.count())
        # Closed before the connection, which the rows are read from.
        with closing(FORMATS[format_name].write(self.columns, rows)) as chunks:
            with cli.open_replacement(output) as file:
                if file:
                    file.writelines(chunks)
            if output is None:
                _print(chunks)
        self._report(rows.count, source, output)

    def _report(self, count: int, source: Organization, output: Path | None) -> None:
        options = self.model._meta
        kind = options.verbose_name if count == 1 else options.verbose_name_plural
        target = output or "standard output"
        message = f"Exported {count:,} {kind} of {source.name} to {target}."
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
