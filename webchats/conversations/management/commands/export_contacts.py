"""``manage.py export_contacts --organization NAME --output FILE``."""

from collections.abc import Iterator

from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.imports.contacts import EXPORTED, read_rows
from webchats.conversations.models import Contact
from webchats.management.export_command import ExportCommand


class Command(ExportCommand[Contact]):
    """Exports contacts, oldest first."""

    example = 'manage.py export_contacts --organization "Example Company" --output contacts.csv'
    help = "Export the contacts of an organization as CSV, JSON, NDJSON or XLSX."
    model = Contact
    columns = EXPORTED

    def read_rows(self, rows: TenantQuerySet[Contact], format_name: str) -> Iterator[list[object]]:
        """Return the values of each contact."""
        return read_rows(rows)
