"""The command that deletes a contact with everything about the person."""

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from webchats.conversations.errors import ContactGone
from webchats.conversations.models import Contact
from webchats.conversations.privacy.erasure import erase, request_erasure, truncate_log
from webchats.management.cli import find_organization
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Erases a person, such as again after a backup was restored."""

    example = "manage.py erase_person 68a1b2c3d4e5f6a7b8c9d0e0 --organization Shop"
    help = (
        "Permanently delete a contact with everything that was written to, by and about the "
        "person. Safe to interrupt: a worker, or the command again, deletes the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("contact", metavar="CONTACT", help="Id of the contact.")
        parser.add_argument("--organization", metavar="ID", required=True, help="Id or name.")

    def handle(self, *, contact: str, organization: str, **_: object) -> None:
        rows = Contact.objects.for_organization(find_organization(organization).pk)
        found = rows.filter(pk=contact).first()
        if found is None:
            raise CommandError(f"The organization has no contact with the id {contact!r}.")
        try:
            erasure = request_erasure(contact=found, user=None)
        except ContactGone as error:
            raise CommandError(str(error.detail)) from None
        # ``disable=None``: no progress bar unless standard error is a terminal.
        total = erasure.total_conversations + erasure.total_messages + 1
        with tqdm(total=total, unit=" rows", disable=None, leave=False) as progress:
            for deleted in erase(erasure):
                progress.update(sum(deleted))
        truncate_log()
        erasure.refresh_from_db()
        self.stdout.write(
            f"erased {contact}: {erasure.deleted_conversations} conversations, "
            f"{erasure.deleted_messages} messages"
        )
