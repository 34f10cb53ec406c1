from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("conversations", "0005_replies_and_drafts")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                fields=["reply"],
                condition=models.Q(reply__isnull=False),
                name="message_of_reply",
            ),
        ),
    ]
