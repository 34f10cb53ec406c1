"""The command that exports everything that is stored about a person."""

from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from webchats.conversations.models import Contact
from webchats.conversations.privacy.export import export_person
from webchats.management.cli import find_organization, open_replacement
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Exports a person, for a request of access."""

    example = "manage.py export_person 68a1b2c3d4e5f6a7b8c9d0e0 --organization Shop"
    help = "Write everything that is stored about a contact to a ZIP archive."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("contact", metavar="CONTACT", help="Id of the contact.")
        parser.add_argument("--organization", metavar="ID", required=True, help="Id or name.")
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="Default: contact-ID.zip in this folder."
        )

    def handle(self, *, contact: str, organization: str, output: Path | None, **_: object) -> None:
        rows = Contact.objects.for_organization(find_organization(organization).pk)
        found = rows.select_related("organization", "stage").filter(pk=contact).first()
        if found is None:
            raise CommandError(f"The organization has no contact with the id {contact!r}.")
        output = output or Path(f"contact-{found.pk}.zip")
        with open_replacement(output) as file:
            assert file is not None
            for chunk in export_person(found):
                file.write(chunk)
        self.stdout.write(f"wrote {output.resolve()}")
