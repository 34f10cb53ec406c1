"""The commands that import a file."""

from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser
from django.db import models

from webchats.imports.formats import FORMATS, detect_format
from webchats.imports.importer import ImportRun, WebchatImport, run_import
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.report import Rejects
from webchats.management import cli
from webchats.management.help import CommandWithExample
from webchats.management.import_output import observe_import
from webchats.models import Webchat


class ImportCommand(CommandWithExample):
    """Imports a file. The exit status is 1 if an error prevents the import."""

    model: ClassVar[type[models.Model]] = Webchat
    run_class: ClassVar[type[ImportRun[Any, Any]]] = WebchatImport
    #: The column besides ``_id`` by which stored rows are found.
    name_column: ClassVar[str] = "name"
    takes_icons: ClassVar[bool] = False

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", type=Path, metavar="FILE", help="File or pipe to read.")
        add("--organization", required=True, help="Id or name of the organization.")
        add("--user", metavar="EMAIL", help="Author. Default: the first administrator.")
        add("--format", choices=FORMATS, dest="format_name", help="Default: from the file name.")
        rows = self.model._meta.verbose_name_plural
        text = f"Update {rows} with the same _id or {self.name_column}."
        add("--update", action="store_true", help=text)
        add("--dry-run", action="store_true", help="Validate the file without writing anything.")
        add("--skip-invalid", action="store_true", help="Import the valid rows only.")
        add("--rejects", type=Path, metavar="FILE", help="Write the invalid rows to this file.")
        if self.takes_icons:
            text = "Directory with the images that cells name."
            add("--icons", type=Path, metavar="DIR", help=text)

    def handle(
        self,
        *,
        file: Path,
        organization: str,
        user: str | None,
        format_name: str | None,
        rejects: Path | None,
        update: bool,
        dry_run: bool,
        skip_invalid: bool,
        icons: Path | None = None,
        **_: object,
    ) -> None:
        _validate_paths(file, rejects, icons, skip_invalid=skip_invalid)
        format_name = format_name or _detect_format(file)
        target = cli.find_organization(organization)
        author = cli.find_author(target, user, self.model)
        options = ImportOptions(update, dry_run, skip_invalid, icons, allow_new_ids=True, wait=True)
        with (
            cli.open_seekable(file) as content,
            cli.open_replacement(rejects) as rejects_file,
            cli.stop_on_signals() as stop,
            closing(Rejects()) as rejected,
        ):
            with observe_import(self.stderr, rejected, stop) as observer:
                report = run_import(
                    ImportSource(content, file.name, format_name),
                    organization=target,
                    user=author,
                    options=options,
                    observer=observer,
                    run_class=self.run_class,
                )
            if is_good := report.is_good:
                self.stdout.write(report.summary, self.style.SUCCESS)
            if rejects and rejects_file:
                rejected.write_to(rejects_file, detect_format(rejects.name) or "csv")
        if not is_good:
            raise CommandError(report.summary, returncode=1)


def _detect_format(file: Path) -> str:
    format_name = detect_format(file.name)
    if format_name is None:
        raise CommandError(f"Set the format of {file.name}: --format {'|'.join(FORMATS)}.")
    return format_name


def _validate_paths(
    file: Path, rejects: Path | None, icons: Path | None, *, skip_invalid: bool
) -> None:
    if rejects and not skip_invalid:
        raise CommandError("--rejects requires --skip-invalid.")
    if rejects and rejects.resolve() == file.resolve():
        raise CommandError("--rejects would overwrite the file to import.")
    if icons and not icons.is_dir():
        raise CommandError(f"--icons: {icons} is not a directory.")
