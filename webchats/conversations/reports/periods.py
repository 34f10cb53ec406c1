"""The period of a report: whole days in a time zone."""

from collections.abc import Iterator
from dataclasses import InitVar, dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Final, Self

#: The most days of a period: a leap year.
MAX_DAYS: Final = 366
DEFAULT_DAYS: Final = 30
YEARS: Final = range(2000, 2100)
#: The offsets of all time zones are multiples of this.
SLOT: Final = timedelta(minutes=15)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Period:
    """The days from ``first`` to ``last``, both included, in ``zone``.

    Raise ``ValueError`` if ``last`` is before ``first``, for more than ``MAX_DAYS``, and for days
    out of ``YEARS``.
    """

    first: date
    last: date
    zone: tzinfo
    #: False for the period before one that is valid.
    is_checked: InitVar[bool] = True

    def __post_init__(self, is_checked: bool) -> None:
        if not is_checked:
            return
        if self.first.year not in YEARS or self.last.year not in YEARS:
            raise ValueError("Enter dates of this century.")
        if self.last < self.first:
            raise ValueError("The period ends before it begins.")
        if self.days > MAX_DAYS:
            raise ValueError(f"A period has at most {MAX_DAYS} days.")

    @classmethod
    def last_days(cls, zone: tzinfo, now: datetime, days: int = DEFAULT_DAYS) -> Self:
        """Return the period of so many days that ends today."""
        today = now.astimezone(zone).date()
        return cls(today - timedelta(days=days - 1), today, zone)

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.last - self.first).days + 1

    def name_file(self, content: str) -> str:
        """Return a file name, such as ``report-2026-11-01-to-2026-11-30``."""
        return f"{content}-{self.first}-to-{self.last}"

    @property
    def before(self) -> Self:
        """Return the period of the same number of days that ends the day before ``first``."""
        length = timedelta(days=self.days)
        return type(self)(self.first - length, self.last - length, self.zone, is_checked=False)

    @cached_property
    def start(self) -> datetime:
        """Return the first moment, in UTC."""
        return _midnight(self.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        """Return the first moment after the period, in UTC."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @cached_property
    def slot(self) -> timedelta:
        """Return the unit in which conversations are counted: an hour, or ``SLOT`` if an offset of
        the time zone is not a multiple of an hour."""
        days = (self.start + timedelta(days=number) for number in range(self.days + 1))
        offsets = (day.astimezone(self.zone).utcoffset() or timedelta() for day in days)
        return SLOT if any(offset % _HOUR for offset in offsets) else _HOUR

    def slots(self) -> Iterator[tuple[datetime, datetime]]:
        """Yield the start of each ``slot`` in UTC, and its local time."""
        moment = self.start
        while moment < self.end:
            yield moment, moment.astimezone(self.zone)
            moment += self.slot


def _midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of a day. Where clocks skip midnight, it begins later."""
    moment = datetime.combine(day, time(), zone).astimezone(UTC)
    # Of a time that does not exist, ``zoneinfo`` returns one before the gap, on the day before.
    while moment.astimezone(zone).date() < day:
        moment += SLOT
    return moment
