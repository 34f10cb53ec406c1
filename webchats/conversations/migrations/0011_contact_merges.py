"""The merges of contacts."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import organizations.constraints
import organizations.fields
import webchat_project.api.object_ids
import webchats.conversations.models.deletion


def _user() -> models.Field:
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


def _merge(related_name: str) -> models.Field:
    return models.ForeignKey(
        db_index=False,
        editable=False,
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name=related_name,
        to="conversations.contactmerge",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0010_fact_indexes"),
        ("organizations", "0002_notification_settings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ContactMerge",
            fields=[
                (
                    "id",
                    organizations.fields.ObjectIdField(
                        default=webchat_project.api.object_ids.new_object_id,
                        editable=False,
                        max_length=24,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        null=True,
                        on_delete=webchats.conversations.models.deletion.clear_and_set_null,
                        related_name="merges",
                        to="conversations.contact",
                    ),
                ),
                ("kept_id", models.CharField(max_length=24)),
                ("removed_id", models.CharField(max_length=24)),
                (
                    "inside",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="included",
                        to="conversations.contactmerge",
                    ),
                ),
                ("merged_by", _user()),
                (
                    "merged_by_name",
                    organizations.fields.TrimmedCharField(blank=True, default="", max_length=120),
                ),
                ("removed_values", models.JSONField(null=True)),
                ("kept_values", models.JSONField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", _user()),
            ],
            options={
                "verbose_name": "merge",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(
                        fields=["organization", "-created_at", "-id"], name="merge_newest"
                    ),
                    models.Index(
                        condition=models.Q(("removed_values__isnull", False)),
                        fields=["created_at"],
                        name="merge_with_undo_data",
                    ),
                ],
                "constraints": [
                    organizations.constraints.DatabaseCheckConstraint(
                        condition=models.Q(
                            ("merged_by_name__length__gte", 0),
                            ("merged_by_name__length__lte", 120),
                        ),
                        name="conversations_contactmerge_merged_by_name_length",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at", None)),
                        fields=("removed_id",),
                        name="contact_merged_once",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="conversation", name="merge", field=_merge("conversations")
        ),
        migrations.AddField(model_name="stagemove", name="merge", field=_merge("moves")),
    ]
