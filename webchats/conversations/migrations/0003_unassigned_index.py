"""The index of open conversations without an assignee."""

from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY cannot run in a transaction.
    atomic = False

    dependencies = [("conversations", "0002_search_indexes")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("assignee", None), ("state", "open")),
                fields=["organization", "-last_message_at", "-id"],
                name="conversation_unassigned",
            ),
        ),
    ]
