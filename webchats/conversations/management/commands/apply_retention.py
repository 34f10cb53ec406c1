"""The command that deletes rows whose retention period has ended."""

from django.core.management.base import CommandParser
from django.utils.text import get_text_list
from tqdm import tqdm

from organizations.models import Organization
from webchats.conversations.privacy.removal import Deleted
from webchats.conversations.privacy.retention import apply_retention, describe_due
from webchats.management.cli import find_organization
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Deletes old conversations and contacts, as the worker does once a day."""

    example = "manage.py apply_retention --dry-run --organization Shop"
    help = (
        "Delete the closed conversations and the contacts that organizations keep for a limited "
        "time only. Workers do it once a day. Safe to interrupt, and to run at the same time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Count the rows without deleting anything."
        )
        parser.add_argument(
            "--organization", metavar="ID", help="Id or name. Default: every organization."
        )

    def handle(self, *, dry_run: bool, organization: str | None, **_: object) -> None:
        if organization is not None:
            found = [find_organization(organization)]
        else:
            found = list(Organization.objects.order_by("name", "pk"))
        for each in found:
            self.stdout.write(f"{each.name}: {_count(each) if dry_run else _apply(each)}")


def _count(organization: Organization) -> str:
    return f"would delete {get_text_list(describe_due(organization), 'and') or 'nothing'}"


def _apply(organization: Organization) -> str:
    total = Deleted()
    # ``disable=None``: no progress bar unless standard error is a terminal.
    with tqdm(unit=" rows", disable=None, leave=False) as progress:
        for deleted in apply_retention(organization):
            total = total.plus(deleted)
            progress.update(sum(deleted))
    return f"deleted {get_text_list(total.describe(), 'and') or 'nothing'}"
