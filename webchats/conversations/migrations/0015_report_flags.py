"""The flags of conversations, and the index with them from which the reports are made.

The tables are written again, which blocks them: half a minute for a million conversations. The first
release has none.
"""

from functools import reduce
from operator import add

from django.db import migrations, models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from organizations.migration_operations import AddIndexConcurrently, RemoveIndexConcurrently

_AI_ONLY = Q(ai_wrote=True, rep_wrote=False)
_CONDITIONS = (
    Q(handed_over_at__isnull=False),
    Q(asked_for_person=True),
    Q(unanswered_since__isnull=False),
    Q(resolution_seconds__isnull=False) | Q(reopen_count__gt=0),
    Q(reopen_count__gt=0),
    Q(had_ai=True),
    _AI_ONLY,
    _AI_ONLY & Q(resolution_seconds__isnull=False) & Q(rating_score__gte=4),
    _AI_ONLY & Q(handed_over_at__isnull=True),
    Q(rep_wrote=True),
    Q(is_surveyed=True),
)


def _flags():
    bits = (
        Case(
            When(condition, then=Value(1 << number)),
            default=Value(0),
            output_field=models.IntegerField(),
        )
        for number, condition in enumerate(_CONDITIONS)
    )
    score = Coalesce(F("rating_score"), Value(0), output_field=models.IntegerField())
    return models.GeneratedField(
        expression=reduce(add, bits) + score * Value(1 << len(_CONDITIONS)),
        output_field=models.IntegerField(),
        db_persist=True,
    )


def _index(name):
    return models.Index(
        fields=["organization", "first_message_at"],
        include=(
            "flags",
            "last_message_at",
            "wait_count",
            "wait_seconds",
            "reply_seconds",
            "rep_reply_seconds",
            "longest_wait_seconds",
            "resolution_seconds",
            "webchat",
            "answered_by",
            "ai_prompt",
            "ai_prompt_version",
            "drafts_sent",
            "drafts_edited",
            "drafts_rejected",
            "drafts_superseded",
            "edited_words",
            "changed_words",
        ),
        name=name,
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0014_board_indexes")]

    operations = [
        migrations.AddField(model_name="conversation", name="flags", field=_flags()),
        migrations.AddField(model_name="retainedconversation", name="flags", field=_flags()),
        AddIndexConcurrently(model_name="conversation", index=_index("conversation_reported")),
        AddIndexConcurrently(model_name="retainedconversation", index=_index("retained_reported")),
        RemoveIndexConcurrently(model_name="conversation", name="conversation_facts"),
        RemoveIndexConcurrently(model_name="retainedconversation", name="retained_facts"),
    ]
