"""``manage.py import_webchats FILE --organization NAME``."""

from contextlib import closing
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from webchats.imports.formats import FORMATS, detect_format
from webchats.imports.importer import run_import
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.report import Rejects
from webchats.management import cli
from webchats.management.help import CommandWithExample
from webchats.management.import_output import observe_import


class Command(CommandWithExample):
    """Imports a file. The exit status is 1 if an error prevents the import."""

    example = 'manage.py import_webchats webchats.csv --organization "Example Company" --update'
    help = "Import webchats from a CSV, JSON, NDJSON or XLSX file: all rows or none."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", type=Path, metavar="FILE", help="File or pipe to read.")
        add("--organization", required=True, help="Id or name of the organization.")
        add("--user", metavar="EMAIL", help="Author. Default: the first administrator.")
        add("--format", choices=FORMATS, dest="format_name", help="Default: from the file name.")
        add("--update", action="store_true", help="Update webchats with the same _id or name.")
        add("--dry-run", action="store_true", help="Validate the file without writing anything.")
        add("--skip-invalid", action="store_true", help="Import the valid rows only.")
        add("--rejects", type=Path, metavar="FILE", help="Write the invalid rows to this file.")
        add("--icons", type=Path, metavar="DIR", help="Directory with the images that cells name.")

    def handle(
        self,
        *,
        file: Path,
        organization: str,
        user: str | None,
        format_name: str | None,
        rejects: Path | None,
        icons: Path | None,
        update: bool,
        dry_run: bool,
        skip_invalid: bool,
        **_: object,
    ) -> None:
        _validate_paths(file, rejects, icons, skip_invalid=skip_invalid)
        format_name = format_name or _detect_format(file)
        target = cli.find_organization(organization)
        author = cli.find_author(target, user)
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
