"""``manage.py import_knowledge FILE --organization NAME``."""

from webchats.conversations.imports.importer import KnowledgeImport
from webchats.conversations.models import KnowledgeEntry
from webchats.management.import_command import ImportCommand


class Command(ImportCommand):
    """Imports knowledge entries. The exit status is 1 if an error prevents the import."""

    example = 'manage.py import_knowledge answers.csv --organization "Example Company" --update'
    help = "Import knowledge entries from a CSV, JSON, NDJSON or XLSX file: all rows or none."
    model = KnowledgeEntry
    run_class = KnowledgeImport
    name_column = "question"
