"""Durations as the figures count them: in whole seconds, long ones in fewer steps."""

from datetime import datetime
from typing import Final

from django.db import models
from django.db.models.functions import Mod
from django.db.models.lookups import LessThan

#: From so many seconds on, durations are whole minutes, and then whole hours.
MINUTES_FROM: Final = 3_600
HOURS_FROM: Final = 7 * 24 * 3_600


def count_seconds(start: datetime, end: datetime) -> int:
    """Return the whole seconds from ``start`` to ``end``, 0 if ``end`` is earlier."""
    return max(int((end - start).total_seconds()), 0)


def measure(start: datetime, end: datetime) -> int:
    """Return the duration in seconds, rounded down.

    To a minute from an hour on, and to an hour from a week on. So a year of conversations has few
    different values, and a median needs no sorting of them all.
    """
    seconds = count_seconds(start, end)
    if seconds < MINUTES_FROM:
        return seconds
    return seconds - seconds % (60 if seconds < HOURS_FROM else 3_600)


class _Seconds(models.Func):
    """The whole seconds of a difference. SQLite has it in microseconds."""

    template = "(%(expressions)s) / 1000000"
    output_field = models.IntegerField()

    def as_postgresql(self, compiler, connection):  # type: ignore[no-untyped-def]
        return self.as_sql(
            compiler, connection, template="floor(EXTRACT(EPOCH FROM %(expressions)s))::integer"
        )


def measured(start: str, end: str) -> models.Expression:
    """Return ``measure`` of two columns as an expression, the earlier one first."""
    difference = models.ExpressionWrapper(
        models.F(end) - models.F(start), output_field=models.DurationField()
    )
    seconds = _Seconds(difference)
    return models.Case(
        models.When(LessThan(seconds, MINUTES_FROM), then=seconds),
        models.When(LessThan(seconds, HOURS_FROM), then=seconds - Mod(seconds, 60)),
        default=seconds - Mod(seconds, 3_600),
        output_field=models.IntegerField(),
    )
