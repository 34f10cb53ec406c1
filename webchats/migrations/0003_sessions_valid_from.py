"""The time from which sessions of visitors are valid."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('webchats', '0002_search_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalwebchat',
            name='sessions_valid_from',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='webchat',
            name='sessions_valid_from',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
