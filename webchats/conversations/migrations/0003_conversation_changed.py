from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("conversations", "0002_contact_search")]

    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["organization", "updated_at"], name="conversation_changed"),
        ),
    ]
