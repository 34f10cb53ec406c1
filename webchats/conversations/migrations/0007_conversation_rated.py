"""The index of the filter by rating, and the validation of the constraints before."""

from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently, ValidateConstraint


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0006_ratings")]

    operations = [
        *(
            ValidateConstraint(model_name="conversation", name=name)
            for name in (
                "conversations_conversation_closed_by_choice",
                "conversations_conversation_rating_score_range",
                "conversations_conversation_rating_comment_length",
                "conversation_rating_complete",
            )
        ),
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("rating_score__isnull", False)),
                fields=[
                    *("organization", "rating_score", "-last_message_at", "-id"),
                    *("state", "handler", "assignee", "webchat"),
                ],
                name="conversation_rated",
            ),
        ),
    ]
