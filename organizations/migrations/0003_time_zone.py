"""The time zone of an organization."""

import organizations.time_zones
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0002_notification_settings"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalorganization",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                help_text="The days and hours of the reports, such as Europe/Berlin.",
                max_length=64,
                validators=[organizations.time_zones.validate_time_zone],
            ),
        ),
        migrations.AddField(
            model_name="organization",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                help_text="The days and hours of the reports, such as Europe/Berlin.",
                max_length=64,
                validators=[organizations.time_zones.validate_time_zone],
            ),
        ),
    ]
