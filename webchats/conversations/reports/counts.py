"""The counts and sums of a report that need no groups."""

from collections import Counter
from datetime import datetime
from typing import Final

from django.db.models import Count, Expression, Sum

from webchats.conversations.reports.conditions import CONDITIONS, assumed
from webchats.conversations.reports.sources import Sources

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


def count_all(sources: Sources, now: datetime) -> Counter[str]:
    """Return the number of conversations by key, the sums, and ``retained``."""
    conditions = {**CONDITIONS, "ai_assumed": assumed(now)}
    aggregates: dict[str, Expression] = {
        f"count_{key}": Count("organization_id", filter=condition or None)
        for key, condition in conditions.items()
    }
    aggregates |= {f"sum_{name}": Sum(name) for name in _SUMS}
    added = sources.add_up(**aggregates)
    counts = Counter({name.removeprefix("count_"): value for name, value in added.items()})
    counts["retained"] = sources.retained.count()
    return counts


def divide(part: float, whole: float) -> float | None:
    """Return the share or mean, ``None`` of nothing."""
    return part / whole if whole else None
