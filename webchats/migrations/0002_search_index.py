"""The index for the search by name and description, on PostgreSQL.

SQLite has no such index; it reads the rows of the organization.
"""

from django.db import migrations


def create(apps, schema_editor):
    """Make the index while others go on writing."""
    if schema_editor.connection.vendor != "postgresql":
        return
    # A trusted extension: who owns the database may create it.
    schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    # As ``webchats.search`` asks. Without the organization: its own index finds the rows of a
    # small one faster, and in a large one it is one more long list to read.
    schema_editor.execute(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS webchat_search ON webchats_webchat USING gin "
        "(UPPER(name || ' ' || description) gin_trgm_ops)"
    )


def drop(apps, schema_editor):
    """Take it away again; others may use the extension."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS webchat_search")


class Migration(migrations.Migration):
    # An index is made CONCURRENTLY outside of a transaction only.
    atomic = False

    dependencies = [("webchats", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
