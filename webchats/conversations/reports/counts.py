"""The counts and sums of a report that need no groups."""

from collections import Counter
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import Count, Sum

from webchats.conversations.models.flags import get_names, get_score
from webchats.conversations.reports.conditions import silent
from webchats.conversations.reports.sources import Sources

#: The keys of conversations that have a duration.
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
    #: By score, whether only the AI wrote, and whether a representative did.
    ratings: Counter[tuple[int, bool, bool]]


def count_all(sources: Sources, histograms: dict[str, Counter[Any]], now: datetime) -> Counts:
    """Return all counts, with those that follow from the numbers of durations."""
    counts, ratings = Counter[str](), Counter[tuple[int, bool, bool]]()
    sums = {f"sum_{name}": Sum(name) for name in _SUMS}
    recent = Count("organization_id", filter=~silent(now))
    for rows in sources.both:
        for group in rows.values("flags").annotate(rows=Count("*"), recent=recent, **sums):
            number, names = group["rows"], set(get_names(group["flags"]))
            counts.update(dict.fromkeys((*names, "conversations"), number))
            counts.update({name: group[name] for name in sums})
            if "ai_unless_recent" in names:
                counts["ai_assumed"] += number - group["recent"]
            if rows is sources.retained:
                counts["retained"] += number
            if score := get_score(group["flags"]):
                ratings[score, "ai_only" in names, "with_rep" in names] += number
    counts["rated"] = ratings.total()
    _derive(counts, histograms)
    return Counts(counts, ratings)


def _derive(counts: Counter[str], histograms: dict[str, Counter[Any]]) -> None:
    """Add the counts of those that have a duration, and of the others."""
    for key, column in _WITH_DURATION.items():
        counts[key] = histograms[column].total()
    counts["without_answer"] = counts["conversations"] - counts["first_reply"]
    counts["without_rep_reply"] = counts["handed_over"] - counts["rep_reply"]
    counts["unresolved"] = counts["conversations"] - counts["resolved"]


def divide(part: float, whole: float) -> float | None:
    """Return the share or mean, ``None`` of nothing."""
    return part / whole if whole else None
