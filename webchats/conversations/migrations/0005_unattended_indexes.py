"""The indexes with which workers and e-mails find visitors who wait while nobody is online."""

from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0004_unattended_at")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(
                    models.Q(
                        ("unattended_at", None),
                        ("unattended_at__lt", models.F("waiting_since")),
                        _connector="OR",
                    ),
                    ("state", "open"),
                    ("waiting_since__isnull", False),
                ),
                fields=["waiting_since"],
                name="conversation_unreported",
            ),
        ),
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(
                    ("state", "open"), ("unattended_at__gte", models.F("waiting_since"))
                ),
                fields=["organization", "unattended_at"],
                name="conversation_unattended",
            ),
        ),
    ]
