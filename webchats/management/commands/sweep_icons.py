"""The command that deletes unused icons and expired uploads."""

import re
from argparse import ArgumentTypeError
from datetime import timedelta

from django.core.management.base import CommandError, CommandParser

from webchats.icons.cleanup import sweep
from webchats.icons.storage import StorageUnavailable
from webchats.management.help import CommandWithExample
from webchats.models.imports import PendingImport

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _age(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,5})([mhd])", text, re.ASCII)
    if match is None:
        raise ArgumentTypeError("must be a number followed by m, h or d, such as 90m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


class Command(CommandWithExample):
    """Deletes unused icons and expired uploads of import files. Run it once a day."""

    example = "manage.py sweep_icons --dry-run --older-than 7d"
    help = (
        "Delete icons that no webchat or organization uses, and uploaded import files that "
        "were not confirmed within an hour. Safe to run while clients upload icons."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="List the icons without deleting anything."
        )
        parser.add_argument(
            "--older-than",
            type=_age,
            default=timedelta(days=1),
            metavar="AGE",
            help="Keep younger icons, which a client may be about to use. Default: 1d.",
        )

    def handle(self, *, dry_run: bool, older_than: timedelta, verbosity: int, **_: object) -> None:
        if not dry_run:
            PendingImport.objects.expired().delete()
        counts = {True: 0, False: 0}
        verb = "would delete" if dry_run else "deleted"
        try:
            for key, deleted in sweep(older_than=older_than, dry_run=dry_run):
                counts[deleted] += 1
                if deleted and verbosity > 0:
                    self.stdout.write(f"{verb} {key}")
        except StorageUnavailable as error:
            raise CommandError(f"The icon storage is unavailable: {error}") from error
        self.stdout.write(f"{verb} {counts[True]}, kept {counts[False]} in use")
