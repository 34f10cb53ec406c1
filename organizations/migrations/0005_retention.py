"""The days after which conversations and contacts are deleted."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

import organizations.constraints
from organizations.migration_operations import AddConstraintNotValid

_CONVERSATIONS = (
    "retention_days",
    "delete conversations after days",
    (
        "Closed conversations are deleted this many days after they were closed. Their figures "
        "stay in the reports. If empty, they are kept."
    ),
)
_CONTACTS = (
    "contact_retention_days",
    "delete contacts after days",
    (
        "Contacts without conversations are deleted this many days after they were last seen. "
        "If empty, they are kept."
    ),
)


class Migration(migrations.Migration):
    dependencies = [("organizations", "0004_weekly_report")]

    operations = [
        *(
            migrations.AddField(
                model_name=model_name,
                name=name,
                field=models.PositiveIntegerField(
                    blank=True,
                    null=True,
                    verbose_name=verbose_name,
                    help_text=help_text,
                    validators=[MinValueValidator(1), MaxValueValidator(3650)],
                ),
            )
            for model_name in ("historicalorganization", "organization")
            for name, verbose_name, help_text in (_CONTACTS, _CONVERSATIONS)
        ),
        *(
            AddConstraintNotValid(
                model_name="organization",
                constraint=organizations.constraints.DatabaseCheckConstraint(
                    condition=models.Q((f"{name}__gte", 1), (f"{name}__lte", 3650)),
                    name=f"organizations_organization_{name}_range",
                ),
            )
            for name, _, _ in (_CONVERSATIONS, _CONTACTS)
        ),
    ]
