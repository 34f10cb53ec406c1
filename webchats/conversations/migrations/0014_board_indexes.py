"""The indexes by which the board counts contacts. One of them replaces that of a foreign key."""

from django.db import migrations, models

import organizations.tenancy.on_delete
from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0013_erasure")]

    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(fields=["stage", "webchat"], name="contact_by_stage"),
        ),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("stage", None)),
                fields=["organization", "-last_seen_at", "-id", "pipeline", "webchat"],
                name="contact_without_stage",
            ),
        ),
        migrations.AlterField(
            model_name="contact",
            name="stage",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=organizations.tenancy.on_delete.restrict_counted,
                related_name="contacts",
                to="organizations.stage",
            ),
        ),
    ]
