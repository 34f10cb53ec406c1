"""Devices for web push, and when they were notified of a conversation."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import organizations.constraints
import organizations.fields
import webchat_project.api.object_ids
import webchats.conversations.models.push_subscription


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0002_search_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="pushed_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="pushed_sequence",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.CreateModel(
            name="PushSubscription",
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
                    "endpoint",
                    models.CharField(
                        max_length=1000,
                        unique=True,
                        validators=[
                            django.core.validators.ProhibitNullCharactersValidator(),
                            organizations.fields.validate_encodable,
                        ],
                    ),
                ),
                (
                    "p256dh",
                    models.CharField(
                        max_length=88,
                        validators=[
                            webchats.conversations.models.push_subscription.validate_public_key
                        ],
                    ),
                ),
                (
                    "auth",
                    models.CharField(
                        max_length=24,
                        validators=[
                            webchats.conversations.models.push_subscription.validate_secret
                        ],
                    ),
                ),
                (
                    "device",
                    models.CharField(
                        blank=True,
                        help_text="Such as “Firefox on Android”.",
                        max_length=100,
                        validators=[
                            django.core.validators.ProhibitNullCharactersValidator(),
                            organizations.fields.validate_encodable,
                        ],
                    ),
                ),
                ("last_success_at", models.DateTimeField(editable=False, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("created_at", "id"),
                "constraints": [
                    organizations.constraints.DatabaseCheckConstraint(
                        condition=models.Q(
                            ("endpoint__length__gte", 1), ("endpoint__length__lte", 1000)
                        ),
                        name="conversations_pushsubscription_endpoint_length",
                    )
                ],
            },
        ),
    ]
