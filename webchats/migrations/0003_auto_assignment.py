from django.db import migrations, models

HELP_TEXT = (
    "Conversations that wait for a person are assigned in turn to members who are online and not "
    "away."
)


class Migration(migrations.Migration):
    dependencies = [("webchats", "0002_search_index")]

    operations = [
        migrations.AddField(
            model_name=model_name,
            name="is_auto_assigned",
            field=models.BooleanField(
                default=False,
                db_default=False,
                help_text=HELP_TEXT,
                verbose_name="automatic assignment",
            ),
        )
        for model_name in ("webchat", "historicalwebchat")
    ]
