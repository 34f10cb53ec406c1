from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("conversations", "0007_knowledge")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                fields=["last_message_at"],
                condition=models.Q(state="open", handler="ai", last_message_author="visitor"),
                name="conversation_unanswered",
            ),
        ),
    ]
