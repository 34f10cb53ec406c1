"""The index for the search by name and description within an organization, on PostgreSQL.

SQLite has no such index; it reads the rows of the organization.
"""

from django.db import migrations


def create(apps, schema_editor):
    """Make the index while others go on writing."""
    if schema_editor.connection.vendor != "postgresql":
        return
    # Trusted extensions: who owns the database may create them.
    for extension in ("pg_trgm", "btree_gin"):
        schema_editor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    # As ``icontains`` asks: UPPER(name) LIKE UPPER('%text%').
    schema_editor.execute(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS webchat_search ON webchats_webchat USING gin "
        "(organization_id, UPPER(name) gin_trgm_ops, UPPER(description) gin_trgm_ops)"
    )


def drop(apps, schema_editor):
    """Take it away again; others may use the extensions."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS webchat_search")


class Migration(migrations.Migration):
    # An index is made CONCURRENTLY outside of a transaction only.
    atomic = False

    dependencies = [("webchats", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
