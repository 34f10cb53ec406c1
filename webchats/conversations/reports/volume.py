"""The number of conversations by time, webchat, representative and prompt version."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from organizations.models import Prompt, User
from webchats.conversations.reports.conditions import NONE
from webchats.conversations.reports.figures import Bar, DayBar, RowBar, Volume
from webchats.conversations.reports.groups import SLOT, VOLUME, Groups
from webchats.conversations.reports.periods import Period
from webchats.models import Webchat

#: The most webchats and so on that have a bar. The others are one bar without a key.
MAX_BARS: Final = 100
WEEKDAYS: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)


#: The label of the conversations without a webchat, representative or prompt, or a deleted one.
NO_ROW: Final = "None"


def load_volume(period: Period, groups: Groups) -> Volume:
    """Return the bars of every chart of volume from the groups ``SLOT`` and ``VOLUME``."""
    webchats, reps = Counter[str | None](), Counter[str | None]()
    prompts = Counter[tuple[str | None, int]]()
    for (webchat, rep, prompt, version), count in groups[VOLUME].items():
        webchats[webchat] += count
        reps[rep] += count
        prompts[prompt, version] += count
    return Volume(
        days=count_days(period, groups[SLOT]),
        hours=_hours(period, groups[SLOT]),
        webchats=_row_bars(webchats, "webchat", Webchat),
        reps=_row_bars(reps, "rep", User),
        prompts=_prompt_bars(prompts),
    )


def count_days(period: Period, slots: Counter[int]) -> list[DayBar]:
    """Return the bars of the days."""
    counts: Counter[date] = Counter()
    for number, local in _numbered(period):
        counts[local.date()] += slots[number]
    days = (period.first + timedelta(days=number) for number in range(period.days))
    return [DayBar(f"day={day}", f"{day:%Y-%m-%d}", counts[day], day) for day in days]


def _hours(period: Period, slots: Counter[int]) -> list[list[Bar]]:
    counts: Counter[tuple[int, int]] = Counter()
    for number, local in _numbered(period):
        counts[local.isoweekday(), local.hour] += slots[number]
    return [
        [
            Bar(f"hour={number}-{hour}", f"{name} {hour:02d}:00", counts[number, hour])
            for hour in range(24)
        ]
        for number, name in enumerate(WEEKDAYS, 1)
    ]


def _numbered(period: Period) -> Iterator[tuple[int, datetime]]:
    """Yield the number of each slot since 1970, and its local time."""
    first = period.start.timestamp() // period.slot.total_seconds()
    return ((int(first) + number, local) for number, (_, local) in enumerate(period.slots()))


def _row_bars(
    counts: Counter[str | None], key: str, model: type[Webchat] | type[User]
) -> list[RowBar]:
    shown = counts.most_common(MAX_BARS)
    rows = model._default_manager.in_bulk([pk for pk, _ in shown if pk is not None])
    bars = [RowBar(f"{key}={pk or NONE}", _label(rows.get(pk)), count, pk) for pk, count in shown]
    return _with_others(bars, counts.total())


def _label(row: Webchat | User | None) -> str:
    if row is None:
        return NO_ROW
    return row.get_full_name() if isinstance(row, User) else row.name


def _prompt_bars(counts: Counter[tuple[str | None, int]]) -> list[RowBar]:
    shown = counts.most_common(MAX_BARS)
    names = prompt_names(pk for (pk, _), _ in shown)
    bars = [
        RowBar(f"prompt={pk or NONE}-{version}", label_prompt(names.get(pk), version), count, pk)
        for (pk, version), count in shown
    ]
    return _with_others(bars, counts.total())


def prompt_names(ids: Iterable[str | None]) -> dict[str | None, str]:
    """Return the names of these prompts, by id."""
    rows = Prompt.objects.filter(pk__in={pk for pk in ids if pk is not None})
    return dict(rows.values_list("pk", "name"))


def label_prompt(name: str | None, version: int) -> str:
    """Return the name of a version of a prompt, which may have been deleted."""
    if not version:
        return NO_ROW
    return f"{name or 'Deleted prompt'}, version {version}"


def _with_others(bars: list[RowBar], total: int) -> list[RowBar]:
    others = total - sum(bar.count for bar in bars)
    return [*bars, RowBar("", "Others", others, None)] if others else bars
