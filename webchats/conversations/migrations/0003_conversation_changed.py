from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):

    atomic = False
    dependencies = [("conversations", "0002_contact_search")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                fields=["organization", "updated_at"],
                name="conversation_changed",
            ),
        ),
    ]
