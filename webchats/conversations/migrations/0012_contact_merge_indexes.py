"""The indexes with which duplicates of a contact, and the rows of a merge, are found."""

from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently
from webchats.conversations.phones import StrippedPhone

_MERGED = models.Q(("merge__isnull", False))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0011_contact_merges")]

    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                models.F("organization"),
                StrippedPhone("phone"),
                condition=models.Q(("phone__gt", "")),
                name="contact_by_phone",
            ),
        ),
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(condition=_MERGED, fields=["merge"], name="conversation_merged"),
        ),
        AddIndexConcurrently(
            model_name="stagemove",
            index=models.Index(condition=_MERGED, fields=["merge"], name="move_merged"),
        ),
    ]
