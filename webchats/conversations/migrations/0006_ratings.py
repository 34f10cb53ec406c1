"""The columns of ratings, and the party that closed a conversation."""

import django.core.validators
from django.db import migrations, models

import organizations.constraints
import organizations.fields
from organizations.migration_operations import AddConstraintNotValid


class Migration(migrations.Migration):
    dependencies = [("conversations", "0005_unattended_indexes")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="closed_by",
            field=models.CharField(
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
        migrations.AddField(
            model_name="conversation",
            name="rating_score",
            field=models.PositiveSmallIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(5),
                ],
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="rating_comment",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                max_length=2000,
                validators=[
                    django.core.validators.ProhibitNullCharactersValidator(),
                    organizations.fields.validate_encodable,
                ],
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="rated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddConstraintNotValid(
            model_name="conversation",
            constraint=organizations.constraints.DatabaseCheckConstraint(
                condition=models.Q(("closed_by__in", ["", "visitor", "rep", "system"])),
                name="conversations_conversation_closed_by_choice",
            ),
        ),
        AddConstraintNotValid(
            model_name="conversation",
            constraint=organizations.constraints.DatabaseCheckConstraint(
                condition=models.Q(("rating_score__gte", 1), ("rating_score__lte", 5)),
                name="conversations_conversation_rating_score_range",
            ),
        ),
        AddConstraintNotValid(
            model_name="conversation",
            constraint=organizations.constraints.DatabaseCheckConstraint(
                condition=models.Q(
                    ("rating_comment__length__gte", 0), ("rating_comment__length__lte", 2000)
                ),
                name="conversations_conversation_rating_comment_length",
            ),
        ),
        AddConstraintNotValid(
            model_name="conversation",
            constraint=organizations.constraints.DatabaseCheckConstraint(
                condition=models.Q(
                    models.Q(("rated_at", None), ("rating_comment", ""), ("rating_score", None)),
                    models.Q(("rated_at__isnull", False), ("rating_score__isnull", False)),
                    _connector="OR",
                ),
                name="conversation_rating_complete",
            ),
        ),
    ]
