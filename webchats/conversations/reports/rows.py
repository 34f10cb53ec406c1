"""The conversations of a report as rows, with the definitions of the figures."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any, Final

from django.db.models import BooleanField, Case, Expression, Q, QuerySet, When

from webchat_project.api.timestamps import format_timestamp
from webchats.conversations.reports.conditions import CONDITIONS, assumed
from webchats.conversations.reports.sources import Sources

_CHUNK: Final = 2_000
#: The columns of an export, and the values of a conversation for them.
COLUMNS: Final = {
    "_id": "pk",
    "webchatId": "webchat_id",
    "webchat": "webchat__name",
    "userId": "answered_by_id",
    "representative": "answered_by__full_name",
    "promptId": "ai_prompt_id",
    "prompt": "ai_prompt__name",
    "promptVersion": "ai_prompt_version",
    "firstMessageAt": "first_message_at",
    "lastMessageAt": "last_message_at",
    "replySeconds": "reply_seconds",
    "handedOverAt": "handed_over_at",
    "askedForPerson": "asked_for_person",
    "repReplySeconds": "rep_reply_seconds",
    "unansweredSince": "unanswered_since",
    "waitCount": "wait_count",
    "waitSeconds": "wait_seconds",
    "longestWaitSeconds": "longest_wait_seconds",
    "hadAi": "had_ai",
    "aiWrote": "ai_wrote",
    "repWrote": "rep_wrote",
    "aiConfirmed": "ai_confirmed",
    "aiAssumed": "ai_assumed",
    "draftsSent": "drafts_sent",
    "draftsEdited": "drafts_edited",
    "draftsRejected": "drafts_rejected",
    "draftsSuperseded": "drafts_superseded",
    "editedWords": "edited_words",
    "changedWords": "changed_words",
    "closedAt": "closed_at",
    "closedBy": "closed_by",
    "resolutionSeconds": "resolution_seconds",
    "reopenCount": "reopen_count",
    "isSurveyed": "is_surveyed",
    "ratingScore": "rating_score",
}
#: ``localTime`` is the first message's in the time zone of the report.
EXPORTED: Final = (*COLUMNS, "localTime", "isRetained")
_FIRST_MESSAGE: Final = list(COLUMNS).index("firstMessageAt")


# Any: rows of either model.
def with_resolution(rows: "QuerySet[Any]", now: datetime) -> "QuerySet[Any]":
    """Add ``ai_confirmed`` and ``ai_assumed`` to the rows."""
    annotated: QuerySet[Any] = rows.annotate(
        ai_confirmed=_is(CONDITIONS["ai_confirmed"]), ai_assumed=_is(assumed(now))
    )
    return annotated


def _is(condition: Q) -> Expression:
    return Case(When(condition, then=True), default=False, output_field=BooleanField())


def read_rows(sources: Sources, condition: Q, now: datetime) -> Iterator[list[object]]:
    """Yield the values of each conversation in the order of ``EXPORTED``, oldest first.

    Those that were deleted come last, without their ids.
    """
    for rows, is_retained in ((sources.stored, False), (sources.retained, True)):
        selected = with_resolution(rows.filter(condition), now).order_by("first_message_at", "pk")
        for values in selected.values_list(*COLUMNS.values()).iterator(chunk_size=_CHUNK):
            yield _to_cells(list(values), sources.period.zone, is_retained=is_retained)


def _to_cells(values: list[object], zone: tzinfo, *, is_retained: bool) -> list[object]:
    local = values[_FIRST_MESSAGE]
    assert isinstance(local, datetime)
    cells = [format_timestamp(value) if isinstance(value, datetime) else value for value in values]
    if is_retained:
        cells[0] = None
    return [*cells, local.astimezone(zone).isoformat(timespec="seconds"), is_retained]
