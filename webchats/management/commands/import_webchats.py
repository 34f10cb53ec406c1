"""``manage.py import_webchats FILE --organization NAME``."""

from webchats.management.import_command import ImportCommand


class Command(ImportCommand):
    """Imports webchats. The exit status is 1 if an error prevents the import."""

    example = 'manage.py import_webchats webchats.csv --organization "Example Company" --update'
    help = "Import webchats from a CSV, JSON, NDJSON or XLSX file: all rows or none."
    takes_icons = True
