"""The validation of the constraints of the migration before."""

from django.db import migrations

from organizations.migration_operations import ValidateConstraint


class Migration(migrations.Migration):
    dependencies = [("organizations", "0005_retention")]

    operations = [
        ValidateConstraint(
            model_name="organization", name=f"organizations_organization_{name}_range"
        )
        for name in ("retention_days", "contact_retention_days")
    ]
