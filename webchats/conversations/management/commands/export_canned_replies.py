"""``manage.py export_canned_replies --organization NAME --output FILE``."""

from collections.abc import Iterator

from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.imports.canned_replies import EXPORTED, read_rows
from webchats.conversations.models import CannedReply
from webchats.management.export_command import ExportCommand


class Command(ExportCommand[CannedReply]):
    """Exports canned replies, oldest first."""

    example = 'manage.py export_canned_replies --organization "Example Company" --output canned.csv'
    help = "Export the canned replies of an organization as CSV, JSON, NDJSON or XLSX."
    model = CannedReply
    columns = EXPORTED

    def read_rows(
        self, rows: TenantQuerySet[CannedReply], format_name: str
    ) -> Iterator[list[object]]:
        """Return the values of each reply."""
        return read_rows(rows)
