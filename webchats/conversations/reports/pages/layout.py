"""The charts of the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.utils.formats import date_format

from webchats.conversations.reports.charts.bars import BarChart, make_bar_chart
from webchats.conversations.reports.charts.heat_map import HeatMap, make_heat_map
from webchats.conversations.reports.charts.points import Cell, Chart, Point, Table
from webchats.conversations.reports.charts.rows import make_row_chart
from webchats.conversations.reports.charts.shares import make_share_chart
from webchats.conversations.reports.conditions import NONE
from webchats.conversations.reports.definitions import DEFINITIONS
from webchats.conversations.reports.figures import DayBar, Report, RowBar
from webchats.conversations.reports.pages.links import Links
from webchats.conversations.reports.texts import NO_VALUE, format_days, format_number

#: Periods of more days are drawn by week, and of more by month.
MAX_DAYS: Final = 45
MAX_WEEK_DAYS: Final = 190
#: Rows that have a bar. The others are in the export.
MAX_ROWS: Final = 20
#: What conversations without a row have in common.
_NO_ROW: Final = {
    f"webchat={NONE}": "Deleted webchats",
    f"rep={NONE}": "No representative",
    f"prompt={NONE}-0": "No automatic answer",
}


@dataclass(frozen=True)
class Section:
    """A chart on the page."""

    chart: Chart
    definition: str
    is_wide: bool = False


def make_sections(now: Report, before: Sequence[DayBar], links: Links) -> list[Section]:
    """Return the charts of ``now``; that of the days has the days before, too."""
    return [
        Section(make_day_chart(now, before, links), DEFINITIONS["days"], is_wide=True),
        Section(make_hour_chart(now, links), DEFINITIONS["hours"], is_wide=True),
        Section(
            _make_rows("webchats", "Webchat", now.volume.webchats, links), DEFINITIONS["webchats"]
        ),
        Section(_make_rows("reps", "Representative", now.volume.reps, links), DEFINITIONS["reps"]),
        Section(_make_ai_chart(now, links), DEFINITIONS["ai_resolution"]),
        Section(_make_rating_chart(now, links), DEFINITIONS["rating"]),
        Section(_make_answer_chart(now, links), DEFINITIONS["first_reply"]),
        Section(_make_rows("prompts", "Prompt", now.volume.prompts, links), DEFINITIONS["prompts"]),
    ]


def make_day_chart(now: Report, before: Sequence[DayBar], links: Links) -> BarChart:
    """Return the conversations by day, week or month, with those of the days before."""
    pairs = list(zip(now.volume.days, before, strict=True))
    heading, start_of, label = _choose_groups(len(pairs))
    groups: dict[date, list[tuple[DayBar, DayBar]]] = {}
    for pair in pairs:
        groups.setdefault(start_of(pair[0].day), []).append(pair)
    points = []
    for days in groups.values():
        first, last = days[0][0].day, days[-1][0].day
        count = sum(day.count for day, _ in days)
        count_before = sum(day.count for _, day in days)
        is_day = heading == "Day"
        points.append(
            Point(
                date_format(first, label),
                count,
                format_number(count),
                full_label=date_format(first, "l, j F Y") if is_day else format_days(first, last),
                url=links.drill_down(days[0][0].key) if is_day else links.between(first, last),
                before=count_before,
                before_text=format_number(count_before),
            )
        )
    return make_bar_chart(
        points,
        key="days",
        title=f"Conversations by {heading.lower()}",
        heading=heading,
        values="Conversations",
        before=f"The {now.period.days} days before" if now.period.days > 1 else "The day before",
    )


def _choose_groups(days: int) -> tuple[str, Callable[[date], date], str]:
    """Return the name of the groups, the function with their first day, and a label's format."""
    if days <= MAX_DAYS:
        return "Day", lambda day: day, "j M"
    if days <= MAX_WEEK_DAYS:
        return "Week", lambda day: day - timedelta(days=day.weekday()), "j M"
    return "Month", lambda day: day.replace(day=1), "M"


def make_hour_chart(now: Report, links: Links) -> HeatMap:
    """Return the conversations by weekday and hour."""
    # A Monday.
    monday = date(2024, 1, 1)
    rows = []
    for number, hours in enumerate(now.volume.hours):
        day = date_format(monday + timedelta(days=number), "l")
        points = [
            Point(
                str(hour),
                bar.count,
                format_number(bar.count),
                full_label=f"{day}, {hour}:00–{hour + 1}:00",
                url=links.drill_down(bar.key) if bar.count else "",
            )
            for hour, bar in enumerate(hours)
        ]
        rows.append((day[:3], points))
    return make_heat_map(rows, key="hours", title="By weekday and hour", heading="Day")


def _make_rows(key: str, heading: str, bars: Sequence[RowBar], links: Links) -> Chart:
    shown, others = bars[:MAX_ROWS], bars[MAX_ROWS:]
    points = [
        Point(
            _NO_ROW.get(bar.key, bar.label),
            bar.count,
            format_number(bar.count),
            url=links.drill_down(bar.key),
        )
        for bar in shown
    ]
    if others:
        count = sum(bar.count for bar in others)
        points.append(Point("All others", count, format_number(count)))
    title = f"By {heading.lower()}"
    return make_row_chart(points, key=key, title=title, heading=heading, values="Conversations")


def _make_ai_chart(now: Report, links: Links) -> Chart:
    ai = now.ai
    numbers = (
        ("with_ai", "With automatic answers", ai.with_ai),
        ("ai_confirmed", "Resolved, confirmed by a rating", ai.ai_confirmed),
        ("ai_assumed", "Resolved, assumed", ai.ai_assumed),
        ("handed_over", "Handed over to a person", ai.handed_over),
        ("asked_for_person", "The visitor asked for a person", ai.asked_for_person),
    )
    points = [_point(label, count, links.drill_down(key)) for key, label, count in numbers]
    return make_row_chart(
        points,
        key="ai",
        title="Automatic answers",
        heading="Outcome",
        values="Conversations",
    )


def _make_rating_chart(now: Report, links: Links) -> Chart:
    ratings = now.ratings.all
    points = [
        _point(f"{score} of 5", count, links.drill_down(f"{ratings.key}={score}"))
        for score, count in sorted(ratings.distribution.items(), reverse=True)
    ]
    return make_row_chart(
        points, key="ratings", title="Ratings", heading="Rating", values="Conversations"
    )


def _make_answer_chart(now: Report, links: Links) -> Chart:
    replies = now.first_replies
    points = [
        _point("Answered", replies.reply.count, links.drill_down("first_reply")),
        _point("Without an answer", replies.without_answer, links.drill_down("without_answer")),
    ]
    return make_share_chart(
        points, key="answers", title="Answers", heading="Answer", values="Conversations"
    )


def _point(label: str, count: int, url: str) -> Point:
    return Point(label, count, format_number(count), url=url if count else "")


def make_usage(now: Report) -> Table:
    """Return the table of the tokens and the cost by version of a prompt."""
    return Table(
        ["Prompt", "Calls", "Tokens in", "Tokens out", "Estimated calls", "Cost"],
        [
            [
                Cell(f"{row.name}, version {row.version}" if row.prompt_id else row.name),
                *(
                    Cell(format_number(number))
                    for number in (row.calls, row.input_tokens, row.output_tokens, row.estimated)
                ),
                Cell(NO_VALUE if row.cost is None else str(row.cost)),
            ]
            for row in now.prompt_usage
        ],
    )
