"""``manage.py export_webchats --organization NAME --output FILE``."""

from collections.abc import Iterator

from organizations.tenancy.models import TenantQuerySet
from webchats.imports.columns import EXPORTED
from webchats.imports.exporter import read_rows
from webchats.management.export_command import ExportCommand
from webchats.models import Webchat


class Command(ExportCommand[Webchat]):
    """Exports webchats, oldest first."""

    example = 'manage.py export_webchats --organization "Example Company" --output webchats.csv'
    help = "Export the webchats of an organization as CSV, JSON, NDJSON or XLSX."
    model = Webchat
    columns = EXPORTED

    def read_rows(self, rows: TenantQuerySet[Webchat], format_name: str) -> Iterator[list[object]]:
        """Return the values of each webchat."""
        return read_rows(rows)
