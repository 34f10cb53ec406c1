"""``manage.py sweep_icons``: remove the icons that no row refers to."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webchats.icons.cleanup import sweep
from webchats.icons.storage import StorageUnavailable
from webchats.models.imports import PendingImport

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,5})([mhd])", text, re.ASCII)
    if match is None:
        raise ArgumentTypeError("a number with m, h or d after it, such as 90m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


class Command(BaseCommand):
    """See the module."""

    help = (
        "Remove the icons that no webchat and no organization refers to: uploads that were never "
        "used, and what a failing storage kept. Also forgets files that staff sent to import and "
        "did not confirm within an hour. Safe beside clients that upload."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument(
            "--older-than",
            type=_duration,
            default=timedelta(days=1),
            metavar="AGE",
            help="leave younger ones alone, which a client may be about to use (default: 1d)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep, naming each object."""
        if not options["dry_run"]:
            # Of an import that nobody confirmed; the next visit to that page would remove it too.
            PendingImport.objects.expired().delete()
        deleted = kept = 0
        verb = "would delete" if options["dry_run"] else "deleted"
        try:
            for key, gone in sweep(
                older_than=options["older_than"],
                dry_run=options["dry_run"],
            ):
                deleted, kept = deleted + gone, kept + (not gone)
                if gone and options["verbosity"] > 0:
                    self.stdout.write(f"{verb} {key}")
        except StorageUnavailable as error:
            raise CommandError(f"The storage does not answer: {error}") from error
        self.stdout.write(f"{verb} {deleted}, kept {kept} in use")
