"""``manage.py import_contacts FILE --organization NAME``."""

from webchats.conversations.imports.contacts import ContactImport
from webchats.conversations.models import Contact
from webchats.management.import_command import ImportCommand


class Command(ImportCommand):
    """Imports contacts. The exit status is 1 if an error prevents the import."""

    example = 'manage.py import_contacts contacts.csv --organization "Example Company" --update'
    help = "Import contacts from a CSV, JSON, NDJSON or XLSX file: all rows or none."
    model = Contact
    run_class = ContactImport
    name_column = "email"
