"""The switch of the survey."""

from django.db import migrations, models

FIELD = models.BooleanField(
    db_default=True,
    default=True,
    help_text="Visitors are asked for a rating when their conversation is closed.",
    verbose_name="satisfaction survey",
)


class Migration(migrations.Migration):
    dependencies = [("webchats", "0003_auto_assignment")]

    operations = [
        migrations.AddField(model_name="webchat", name="is_survey_enabled", field=FIELD),
        migrations.AddField(model_name="historicalwebchat", name="is_survey_enabled", field=FIELD.clone()),
    ]
