"""The facts of conversations, from which the reports are made, and those of deleted ones."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import organizations.fields
import webchat_project.api.object_ids


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0008_stage_moves"),
        ("organizations", "0003_time_zone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RetainedConversation",
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
                ("first_message_at", models.DateTimeField(editable=False, null=True)),
                ("last_message_at", models.DateTimeField()),
                ("reply_seconds", models.PositiveIntegerField(editable=False, null=True)),
                ("unanswered_since", models.DateTimeField(editable=False, null=True)),
                (
                    "wait_count",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "wait_seconds",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                ("longest_wait_seconds", models.PositiveIntegerField(editable=False, null=True)),
                ("had_ai", models.BooleanField(db_default=False, default=False, editable=False)),
                ("ai_wrote", models.BooleanField(db_default=False, default=False, editable=False)),
                ("rep_wrote", models.BooleanField(db_default=False, default=False, editable=False)),
                ("handed_over_at", models.DateTimeField(editable=False, null=True)),
                (
                    "asked_for_person",
                    models.BooleanField(db_default=False, default=False, editable=False),
                ),
                ("rep_reply_seconds", models.PositiveIntegerField(editable=False, null=True)),
                (
                    "ai_prompt_version",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "drafts_sent",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "drafts_edited",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "drafts_rejected",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "drafts_superseded",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "edited_words",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "changed_words",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "closed_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("visitor", "Visitor"),
                            ("rep", "Representative"),
                            ("system", "System"),
                        ],
                        db_default="",
                        default="",
                        max_length=10,
                    ),
                ),
                ("resolution_seconds", models.PositiveIntegerField(editable=False, null=True)),
                (
                    "reopen_count",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "is_surveyed",
                    models.BooleanField(db_default=False, default=False, editable=False),
                ),
                (
                    "rating_score",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(5),
                        ],
                    ),
                ),
                (
                    "ai_prompt",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="organizations.prompt",
                    ),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "webchat",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="webchats.webchat",
                    ),
                ),
            ],
            options={
                "ordering": ("first_message_at", "id"),
            },
        ),
        migrations.AddField(
            model_name="conversation",
            name="ai_prompt",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="organizations.prompt",
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="ai_prompt_version",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="ai_wrote",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="answered_by",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="asked_for_person",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="changed_words",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="drafts_edited",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="drafts_rejected",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="drafts_sent",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="drafts_superseded",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="edited_words",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="first_message_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="had_ai",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="handed_over_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="is_surveyed",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="longest_wait_seconds",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="reopen_count",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="rep_reply_seconds",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="rep_wrote",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="reply_seconds",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="resolution_seconds",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="unanswered_since",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="wait_count",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="wait_seconds",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
