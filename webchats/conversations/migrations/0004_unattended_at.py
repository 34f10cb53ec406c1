"""When a conversation was found to wait while nobody was online."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0003_push_subscriptions")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="unattended_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
