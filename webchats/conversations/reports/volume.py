"""The number of conversations by time, webchat, representative and prompt version."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from organizations.models import Prompt, User
from webchats.conversations.reports.conditions import NONE
from webchats.conversations.reports.figures import Bar, DayBar, RowBar, Volume
from webchats.conversations.reports.groups import count_slots
from webchats.conversations.reports.periods import SLOT_SECONDS, Period
from webchats.conversations.reports.sources import Sources
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


def load_volume(sources: Sources, slots: Counter[int]) -> Volume:
    """Return the bars of every chart of volume. ``slots`` are those of ``count_slots``."""
    rows = sources.count_by("webchat_id", "answered_by_id", "ai_prompt_id", "ai_prompt_version")
    webchats, reps = Counter[str | None](), Counter[str | None]()
    prompts = Counter[tuple[str | None, int]]()
    for (webchat, rep, prompt, version), count in rows.items():
        webchats[webchat] += count
        reps[rep] += count
        prompts[prompt, version] += count
    return Volume(
        days=_days(sources.period, slots),
        hours=_hours(sources.period, slots),
        webchats=_row_bars(webchats, "webchat", Webchat),
        reps=_row_bars(reps, "rep", User),
        prompts=_prompt_bars(prompts),
    )


def load_days(sources: Sources) -> list[DayBar]:
    """Return the bars of the days only."""
    return _days(sources.period, count_slots(sources))


def _days(period: Period, slots: Counter[int]) -> list[DayBar]:
    counts: Counter[date] = Counter()
    for moment, local in period.slots():
        counts[local.date()] += slots[_number(moment)]
    days = (period.first + timedelta(days=number) for number in range(period.days))
    return [DayBar(f"day={day}", f"{day:%Y-%m-%d}", counts[day], day) for day in days]


def _hours(period: Period, slots: Counter[int]) -> list[list[Bar]]:
    counts: Counter[tuple[int, int]] = Counter()
    for moment, local in period.slots():
        counts[local.isoweekday(), local.hour] += slots[_number(moment)]
    return [
        [
            Bar(f"hour={number}-{hour}", f"{name} {hour:02d}:00", counts[number, hour])
            for hour in range(24)
        ]
        for number, name in enumerate(WEEKDAYS, 1)
    ]


def _number(moment: datetime) -> int:
    return int(moment.timestamp()) // SLOT_SECONDS


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
