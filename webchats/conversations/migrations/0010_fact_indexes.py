"""The indexes from which reports are made, and those for the deletion of users and prompts."""

from django.db import migrations, models

from organizations.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0009_facts")]

    operations = [
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                fields=["organization", "first_message_at"],
                include=(
                    "webchat",
                    "last_message_at",
                    "reply_seconds",
                    "unanswered_since",
                    "wait_count",
                    "wait_seconds",
                    "longest_wait_seconds",
                    "had_ai",
                    "ai_wrote",
                    "rep_wrote",
                    "handed_over_at",
                    "asked_for_person",
                    "rep_reply_seconds",
                    "answered_by",
                    "ai_prompt",
                    "ai_prompt_version",
                    "drafts_sent",
                    "drafts_edited",
                    "drafts_rejected",
                    "drafts_superseded",
                    "edited_words",
                    "changed_words",
                    "resolution_seconds",
                    "reopen_count",
                    "is_surveyed",
                    "rating_score",
                ),
                name="conversation_facts",
            ),
        ),
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("answered_by__isnull", False)),
                fields=["answered_by"],
                name="conversation_answered_by",
            ),
        ),
        AddIndexConcurrently(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("ai_prompt__isnull", False)),
                fields=["ai_prompt"],
                name="conversation_ai_prompt",
            ),
        ),
        AddIndexConcurrently(
            model_name="retainedconversation",
            index=models.Index(
                fields=["organization", "first_message_at"],
                include=(
                    "webchat",
                    "last_message_at",
                    "reply_seconds",
                    "unanswered_since",
                    "wait_count",
                    "wait_seconds",
                    "longest_wait_seconds",
                    "had_ai",
                    "ai_wrote",
                    "rep_wrote",
                    "handed_over_at",
                    "asked_for_person",
                    "rep_reply_seconds",
                    "answered_by",
                    "ai_prompt",
                    "ai_prompt_version",
                    "drafts_sent",
                    "drafts_edited",
                    "drafts_rejected",
                    "drafts_superseded",
                    "edited_words",
                    "changed_words",
                    "resolution_seconds",
                    "reopen_count",
                    "is_surveyed",
                    "rating_score",
                ),
                name="retained_facts",
            ),
        ),
    ]
