"""The facts of a conversation that reports count, as the bits of one number.

The database computes the number, so that a report groups by one narrow column. Otherwise it would
test a dozen conditions for each conversation.
"""

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Final

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

#: A visitor who rates at least this is satisfied.
SATISFIED: Final = 4

_AI_ONLY: Final = Q(ai_wrote=True, rep_wrote=False)
_RESOLVED: Final = Q(resolution_seconds__isnull=False)

#: The conditions by name, in the order of their bits. The score of the rating is above them.
#: PostgreSQL cannot change the expression of a column: a change needs a new column.
FLAGS: Final[dict[str, Q]] = {
    "handed_over": Q(handed_over_at__isnull=False),
    "asked_for_person": Q(asked_for_person=True),
    "unanswered": Q(unanswered_since__isnull=False),
    "closed_once": _RESOLVED | Q(reopen_count__gt=0),
    "reopened": Q(reopen_count__gt=0),
    "with_ai": Q(had_ai=True),
    "ai_only": _AI_ONLY,
    "ai_confirmed": _AI_ONLY & _RESOLVED & Q(rating_score__gte=SATISFIED),
    # Resolved by the AI, if there was no message for a day.
    "ai_unless_recent": _AI_ONLY & Q(handed_over_at__isnull=True),
    "with_rep": Q(rep_wrote=True),
    "surveyed": Q(is_surveyed=True),
}
_BITS: Final = {name: 1 << number for number, name in enumerate(FLAGS)}
_SCORE: Final = 1 << len(FLAGS)


def flags_field() -> "models.GeneratedField":
    """Return the column, which the database computes from the others."""
    bits = (
        Case(When(FLAGS[name], then=Value(bit)), default=Value(0), output_field=_field())
        for name, bit in _BITS.items()
    )
    score = Coalesce(F("rating_score"), Value(0), output_field=_field()) * Value(_SCORE)
    return models.GeneratedField(
        expression=reduce(add, bits) + score, output_field=_field(), db_persist=True
    )


def _field() -> "models.IntegerField[int, int]":
    return models.IntegerField()


def has_flag(name: str) -> Q:
    """Return the condition on the column for one of ``FLAGS``."""
    return Q(GreaterThan(F("flags").bitand(_BITS[name]), 0))


def has_score(lowest: int, highest: int) -> Q:
    """Return the condition on the column for a rating from ``lowest`` to ``highest``."""
    return Q(flags__gte=lowest * _SCORE, flags__lt=(highest + 1) * _SCORE)


def get_names(flags: int) -> Iterator[str]:
    """Yield the names of the conditions that hold."""
    return (name for name, bit in _BITS.items() if flags & bit)


def get_score(flags: int) -> int | None:
    """Return the score of the rating."""
    return flags // _SCORE or None
