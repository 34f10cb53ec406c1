"""The index from which reports read tokens and cost."""

from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("organizations", "0006_retention_valid")]

    operations = [
        AddIndexConcurrently(
            model_name="aiusage",
            index=models.Index(
                fields=["organization", "created_at"],
                include=(
                    "prompt",
                    "prompt_version",
                    "input_tokens",
                    "output_tokens",
                    "is_estimated",
                    "cost",
                ),
                name="ai_usage_reported",
            ),
        ),
    ]
