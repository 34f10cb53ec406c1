"""Pages of rows by keyset: a cursor is a time and an id, those of the last row that was shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

_Row = TypeVar("_Row", bound=Model)

_SEPARATOR: Final = "~"


@dataclass(frozen=True)
class KeysetPage(Generic[_Row]):
    """The rows of one page."""

    rows: Sequence[_Row]
    #: The cursor of the next page; empty on the last one.
    next_cursor: str


def make_cursor(moment: datetime | None, pk: str) -> str:
    """Return the cursor of the page after a row."""
    return f"{moment.isoformat() if moment else ''}{_SEPARATOR}{pk}"


def parse_cursor(cursor: str) -> tuple[datetime | None, str] | None:
    """Return the time and the id of a cursor; ``None`` for an invalid one."""
    text, separator, pk = cursor.partition(_SEPARATOR)
    try:
        moment = parse_datetime(text) if text else None
        if moment is not None and moment.tzinfo is not None:
            # Databases compare in UTC, where the year may be out of range.
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if not separator or (text and (moment is None or moment.tzinfo is None)):
        return None
    return moment, pk


def is_older(field: str, moment: datetime, pk: str) -> Q:
    """Return the condition for rows after a row, the newest and the highest id first."""
    # The first condition is the range of the index.
    return Q(**{f"{field}__lte": moment}) & (Q(**{f"{field}__lt": moment}) | Q(pk__lt=pk))


def newest_page(rows: QuerySet[_Row], field: str, cursor: str, size: int) -> KeysetPage[_Row]:
    """Return a page of rows, the newest first. An invalid cursor gives the first page."""
    position = parse_cursor(cursor)
    if position and position[0]:
        rows = rows.filter(is_older(field, position[0], position[1]))
    found = list(rows.order_by(f"-{field}", "-pk")[: size + 1])
    if len(found) <= size:
        return KeysetPage(found, "")
    last = found[size - 1]
    return KeysetPage(found[:size], make_cursor(getattr(last, field), last.pk))
