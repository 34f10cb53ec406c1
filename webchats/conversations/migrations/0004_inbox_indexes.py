from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("conversations", "0003_conversation_changed")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                fields=["organization", "-last_message_at", "-id"],
                condition=models.Q(last_sequence__gt=models.F("organization_read_sequence")),
                name="conversation_unread",
            ),
        ),
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                fields=["assignee", "-last_message_at", "-id"],
                condition=models.Q(state="open"),
                name="conversation_mine",
            ),
        ),
    ]
