"""The settings of a user for e-mails, and what workers store about them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="gets_email",
            field=models.BooleanField(
                db_default=True,
                default=True,
                editable=False,
                help_text="Whether the user gets e-mails about visitors who wait while nobody is online.",
            ),
        ),
        *(
            migrations.AddField(
                model_name="user",
                name=name,
                field=models.DateTimeField(editable=False, null=True),
            )
            for name in ("online_until", "emailed_at", "emailed_up_to")
        ),
    ]
