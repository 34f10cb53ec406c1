"""The index for the search in messages. SQLite has none: it reads the newest messages."""

import django.db.models.deletion
from django.db import migrations, models


def set_organizations(apps, schema_editor):
    """Set the organization of every message."""
    schema_editor.execute(
        "UPDATE conversations_message SET organization_id = ("
        "SELECT organization_id FROM conversations_conversation c WHERE c.id = conversation_id)"
    )


def create(apps, schema_editor):
    """Create the index without blocking writes."""
    if schema_editor.connection.vendor != "postgresql":
        return
    # The expression of ``webchats.conversations.message_search``. No condition: the planner does not
    # use the statistics of a partial index, and would not know which words are frequent.
    schema_editor.execute(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS message_search ON conversations_message "
        "USING gin ((to_tsvector('simple'::regconfig, "
        "translate(text, '@./-_:+~&=?#', '            ')) "
        "|| array_to_tsvector(ARRAY['@' || COALESCE(organization_id, '')])))"
    )


def drop(apps, schema_editor):
    """Drop the index."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS message_search")


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY cannot run in a transaction.
    atomic = False

    dependencies = [
        ("organizations", "0001_initial"),
        ("conversations", "0005_saved_view"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="organizations.organization",
            ),
        ),
        migrations.RunPython(set_organizations, migrations.RunPython.noop),
        migrations.RunPython(create, drop),
    ]
