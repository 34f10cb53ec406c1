"""``manage.py export_knowledge --organization NAME --output FILE``."""

from collections.abc import Iterator

from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.imports.columns import EXPORTED, read_rows
from webchats.conversations.models import KnowledgeEntry
from webchats.management.export_command import ExportCommand


class Command(ExportCommand[KnowledgeEntry]):
    """Exports knowledge entries, oldest first."""

    example = 'manage.py export_knowledge --organization "Example Company" --output answers.csv'
    help = "Export the knowledge entries of an organization as CSV, JSON, NDJSON or XLSX."
    model = KnowledgeEntry
    columns = EXPORTED

    def read_rows(
        self, rows: TenantQuerySet[KnowledgeEntry], format_name: str
    ) -> Iterator[list[object]]:
        """Return the values of each entry."""
        return read_rows(rows, format_name)
