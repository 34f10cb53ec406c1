"""``manage.py import_canned_replies FILE --organization NAME``."""

from webchats.conversations.imports.canned_replies import CannedReplyImport
from webchats.conversations.models import CannedReply
from webchats.management.import_command import ImportCommand


class Command(ImportCommand):
    """Imports canned replies. The exit status is 1 if an error prevents the import."""

    example = 'manage.py import_canned_replies canned.csv --organization "Example Company" --update'
    help = "Import canned replies from a CSV, JSON, NDJSON or XLSX file: all rows or none."
    model = CannedReply
    run_class = CannedReplyImport
    name_column = "shortcut"
