"""Read webchats from a file into an organization."""

import argparse
import sqlite3
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from webchats.icons.storage import StorageUnavailable
from webchats.imports.formats.readers import FORMATS
from webchats.imports.importer import Options, Source, format_of, run_import
from webchats.imports.rejects import Rejects
from webchats.management import cli as arguments
from webchats.management import cli as files
from webchats.management.cli import Terminal


class Command(BaseCommand):
    """``import_webchats FILE --organization NAME``: exit status 1 if the file is refused."""

    help = "Import webchats from CSV, JSON, NDJSON or XLSX: all rows, or none."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        flag: Any = {"action": "store_true"}
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--organization", required=True, help="Its id or its name.")
        parser.add_argument("--user", metavar="EMAIL", help="Owner; default: first administrator.")
        parser.add_argument("--format", choices=FORMATS, help="Default: as FILE is named.")
        parser.add_argument("--update", **flag, help="Change rows of the same _id, else name.")
        parser.add_argument("--dry-run", **flag, help="Do everything, but write nothing.")
        parser.add_argument("--skip-invalid", **flag, help="Import the good rows of a bad file.")
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="Where bad rows go.")
        parser.add_argument("--icons", type=Path, metavar="DIR", help="Images that rows name.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        bad_rows: Path | None = options["rejects"]
        format_name = options["format"] or format_of(path.name)
        if format_name is None:
            raise CommandError(f"Name the format of {path.name}: --format {'|'.join(FORMATS)}.")
        _check(path, bad_rows, options)
        organization = arguments.organization_of(options["organization"])
        user = arguments.writer_of(organization, options["user"])
        chosen = {name: options[name] for name in ("update", "dry_run", "skip_invalid", "icons")}
        with (
            files.reading(path) as file,
            files.replacing(bad_rows) as target,
            Rejects() as rejects,
            arguments.stop_on_signals() as stop,
        ):
            with Terminal(self.stderr, stop, rejects) as terminal:
                try:
                    report = run_import(
                        Source(file, path.name, format_name),
                        organization=organization,
                        user=user,
                        options=Options(**chosen),
                        listener=terminal,
                    )
                except (StorageUnavailable, DatabaseError, sqlite3.Error, OSError) as error:
                    raise CommandError(f"Nothing was written: {error}") from None
            if report.is_good:
                self.stdout.write(report.summary)
            if target and bad_rows:
                rejects.write_to(target, format_of(bad_rows.name) or "csv")
        if not report.is_good:
            raise CommandError(report.summary, returncode=1)


def _check(path: Path, bad_rows: Path | None, options: dict[str, Any]) -> None:
    if bad_rows and not options["skip_invalid"]:
        raise CommandError("--rejects goes with --skip-invalid.")
    if bad_rows and bad_rows.resolve() == path.resolve():
        raise CommandError("--rejects would overwrite the file that is imported.")
    if options["icons"] and not options["icons"].is_dir():
        raise CommandError(f"--icons: {options['icons']} is no folder.")
