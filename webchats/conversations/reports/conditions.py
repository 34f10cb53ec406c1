"""The key of every number of a report, with the condition on its conversations."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q

from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats.conversations.models.flags import has_flag, has_score
from webchats.conversations.models.rating import HIGHEST_SCORE, LOWEST_SCORE, SCORES
from webchats.conversations.reports.periods import Period

#: After so much time without a message, the AI is assumed to have answered the visitor.
SILENCE: Final = timedelta(hours=24)
#: The value of a key of the conversations without a webchat, representative or prompt.
NONE: Final = "none"

#: The conditions that depend on a conversation only, on columns that the index of reports has.
CONDITIONS: Final[dict[str, Q]] = {
    "conversations": Q(),
    "first_reply": Q(reply_seconds__isnull=False),
    "without_answer": Q(reply_seconds__isnull=True),
    "rep_reply": Q(rep_reply_seconds__isnull=False),
    "without_rep_reply": has_flag("handed_over") & Q(rep_reply_seconds__isnull=True),
    "waits": Q(wait_count__gt=0),
    "unanswered": has_flag("unanswered"),
    "resolved": Q(resolution_seconds__isnull=False),
    "unresolved": Q(resolution_seconds__isnull=True),
    "closed_once": has_flag("closed_once"),
    "reopened": has_flag("reopened"),
    "with_ai": has_flag("with_ai"),
    "ai_confirmed": has_flag("ai_confirmed"),
    "handed_over": has_flag("handed_over"),
    "asked_for_person": has_flag("asked_for_person"),
    "drafts_sent": Q(drafts_sent__gt=0),
    "drafts_edited": Q(drafts_edited__gt=0),
    "drafts_rejected": Q(drafts_rejected__gt=0),
    "drafts_superseded": Q(drafts_superseded__gt=0),
    "surveyed": has_flag("surveyed"),
    "rated": has_score(LOWEST_SCORE, HIGHEST_SCORE),
}


def find_condition(key: str, period: Period, now: datetime) -> Q:
    """Return the condition of the conversations with this key. Raise ``ValueError`` if unknown."""
    if key in CONDITIONS:
        return CONDITIONS[key]
    if key == "ai_assumed":
        return assumed(now)
    name, _, value = key.partition("=")
    if name not in _WITH_VALUE:
        raise ValueError(f"Unknown key: {key}")
    return _WITH_VALUE[name](value, period)


def assumed(now: datetime) -> Q:
    """Return the condition of conversations that the AI is assumed to have resolved."""
    return has_flag("ai_unless_recent") & silent(now)


def silent(now: datetime) -> Q:
    """Return the condition of conversations without a message for a while."""
    return Q(last_message_at__lte=now - SILENCE)


def _day(value: str, period: Period) -> Q:
    day = Period(date.fromisoformat(value), date.fromisoformat(value), period.zone)
    return Q(first_message_at__gte=day.start, first_message_at__lt=day.end)


def _hour(value: str, period: Period) -> Q:
    """Return the condition for a weekday and hour, such as ``1-14``: the hours in UTC."""
    weekday, hour = (int(part) for part in value.split("-"))
    if not (1 <= weekday <= 7 and 0 <= hour <= 23):
        raise ValueError(f"Unknown hour: {value}")
    ranges: list[tuple[datetime, datetime]] = []
    for moment, local in period.slots():
        if (local.isoweekday(), local.hour) != (weekday, hour):
            continue
        start = ranges.pop()[0] if ranges and ranges[-1][1] == moment else moment
        ranges.append((start, moment + period.slot))
    condition = Q(pk__in=[])
    for start, end in ranges:
        condition |= Q(first_message_at__gte=start, first_message_at__lt=end)
    return condition


def _rating(condition: Q) -> Callable[[str, Period], Q]:
    def find(value: str, _: Period) -> Q:
        score = int(value)
        if score not in SCORES:
            raise ValueError(f"Unknown score: {value}")
        return condition & has_score(score, score)

    return find


def _row(column: str) -> Callable[[str, Period], Q]:
    return lambda value, _period: Q(**{column: _id(value)})


def _prompt(value: str, period: Period) -> Q:
    """Return the condition for a version of a prompt, such as ``65f0…-3``."""
    prompt_id, _, version = value.partition("-")
    return Q(ai_prompt_id=_id(prompt_id), ai_prompt_version=int(version))


def _id(value: str) -> str | None:
    if value != NONE and not re.fullmatch(OBJECT_ID_PATTERN, value):
        raise ValueError(f"Not an id: {value}")
    return None if value == NONE else value


_WITH_VALUE: Final[dict[str, Callable[[str, Period], Q]]] = {
    "day": _day,
    "hour": _hour,
    "webchat": _row("webchat_id"),
    "rep": _row("answered_by_id"),
    "prompt": _prompt,
    "rating": _rating(Q()),
    "rating_ai_only": _rating(has_flag("ai_only")),
    "rating_with_rep": _rating(has_flag("with_rep")),
}
