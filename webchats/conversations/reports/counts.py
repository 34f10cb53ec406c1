"""The counts and sums of a report that need no groups."""

from collections import Counter
from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Count, Expression, Sum

from webchats.conversations.reports.conditions import CONDITIONS, assumed
from webchats.conversations.reports.sources import Sources

#: The keys that are counted in the database.
_COUNTED: Final = (
    "handed_over",
    "asked_for_person",
    "unanswered",
    "closed_once",
    "reopened",
    "with_ai",
    "ai_confirmed",
    "surveyed",
)
#: Those that have a duration, by key.
_WITH_DURATION: Final = {
    "first_reply": "reply_seconds",
    "rep_reply": "rep_reply_seconds",
    "resolved": "resolution_seconds",
}
#: The columns whose sums are figures, as ``sum_NAME``.
_SUMS: Final = (
    "wait_count",
    "wait_seconds",
    "drafts_sent",
    "drafts_edited",
    "drafts_rejected",
    "drafts_superseded",
    "edited_words",
    "changed_words",
)


class Counts(NamedTuple):
    """The numbers of conversations by key, the sums, and the numbers of ratings."""

    by_key: Counter[str]
    #: By score, whether the AI wrote, and whether a representative did.
    ratings: Counter[tuple[int, bool, bool]]


def count_all(sources: Sources, histograms: dict[str, Counter[int]], now: datetime) -> Counts:
    """Return all counts, with those that follow from the numbers of durations."""
    conditions = {key: CONDITIONS[key] for key in _COUNTED} | {"ai_assumed": assumed(now)}
    aggregates: dict[str, Expression] = {
        f"count_{key}": Count("organization_id", filter=condition)
        for key, condition in conditions.items()
    }
    aggregates["count_conversations"] = Count("*")
    aggregates |= {f"sum_{name}": Sum(name) for name in _SUMS}
    counts, ratings = Counter[str](), Counter[tuple[int, bool, bool]]()
    groups = sources.add_up_by("rating_score", "ai_wrote", "rep_wrote", **aggregates)
    for (score, ai_wrote, rep_wrote), sums in groups.items():
        counts.update({name.removeprefix("count_"): value for name, value in sums.items()})
        if score is not None:
            ratings[score, ai_wrote, rep_wrote] += sums["count_conversations"]
    counts["rated"] = ratings.total()
    counts["retained"] = sources.retained.count()
    _derive(counts, histograms)
    return Counts(counts, ratings)


def _derive(counts: Counter[str], histograms: dict[str, Counter[int]]) -> None:
    """Add the counts of those that have a duration, and of the others."""
    for key, column in _WITH_DURATION.items():
        counts[key] = histograms[column].total()
    counts["without_answer"] = counts["conversations"] - counts["first_reply"]
    counts["without_rep_reply"] = counts["handed_over"] - counts["rep_reply"]
    counts["unresolved"] = counts["conversations"] - counts["resolved"]


def divide(part: float, whole: float) -> float | None:
    """Return the share or mean, ``None`` of nothing."""
    return part / whole if whole else None
