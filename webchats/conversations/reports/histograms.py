"""Medians and percentiles from the numbers of conversations by duration."""

from collections import Counter
from math import ceil

from django.db.models import Q

from webchats.conversations.reports.figures import Durations
from webchats.conversations.reports.sources import Sources


def load_durations(sources: Sources, column: str) -> Durations:
    """Return the figures of a column of durations, without the rows that have none.

    ``durations.measure`` has rounded them, so there are few different ones, however many rows.
    """
    histogram = sources.count_by(column, condition=Q(**{f"{column}__isnull": False}))
    return summarize(histogram)


def summarize(histogram: Counter[int]) -> Durations:
    """Return the figures of durations by their number."""
    return Durations(histogram.total(), _percentile(histogram, 50), _percentile(histogram, 90))


def _percentile(histogram: Counter[int], percent: int) -> int | None:
    """Return the smallest value that at least so many percent of the values do not exceed."""
    rank = ceil(histogram.total() * percent / 100)
    for value in sorted(histogram):
        rank -= histogram[value]
        if rank <= 0:
            return value
    return None
