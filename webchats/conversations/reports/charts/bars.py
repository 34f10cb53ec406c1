"""Vertical bars in the order of time, with the period before as a quiet line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webchats.conversations.reports.charts.points import (
    Chart,
    Point,
    is_empty,
    make_table,
    summarize,
)
from webchats.conversations.reports.charts.scales import percent, round_up, spaced_labels

#: Pixels of the area of the bars, and above it for the number at the axis.
HEIGHT: Final = 180
TOP: Final = 20
#: The part of its slot that a bar takes, and of the chart that it takes at most.
_FILLED: Final = 0.72
_MAX_WIDTH: Final = 8.0
#: A value other than zero is visible.
_MIN_HEIGHT: Final = 2


@dataclass(frozen=True)
class Bar:
    """A bar, and its slot, which is the area of the link."""

    point: Point
    slot_x: str
    slot_width: str
    x: str
    width: str
    y: float
    height: float
    center: str
    label_class: str


@dataclass(frozen=True)
class GridLine:
    """A horizontal line with its value."""

    y: float
    text_y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class BarChart(Chart):
    """Vertical bars."""

    bars: Sequence[Bar]
    grid: Sequence[GridLine]
    #: Points of a polyline in a square of 100 by 100; empty without a period before.
    line: str
    line_label: str

    baseline: int = TOP + HEIGHT
    label_y: int = TOP + HEIGHT + 18
    full_height: int = TOP + HEIGHT + 26
    top: int = TOP
    height: int = HEIGHT
    template_name: str = "admin/reports/charts/bars.html"


def make_bar_chart(
    points: Sequence[Point],
    *,
    key: str,
    title: str,
    heading: str,
    values: str,
    before: str = "",
) -> BarChart:
    """Return a chart of points in the order of time.

    ``heading`` and ``values`` are columns of the table, such as ``Day`` and ``Conversations``.
    ``before`` names the line of the period before; without it there is none.
    """
    drawn = [point.value for point in points]
    line = [point.before for point in points if before and point.before is not None]
    end = round_up(max([*drawn, *line], default=0))
    slot = 100 / max(len(points), 1)
    return BarChart(
        key=key,
        title=title,
        summary=summarize(points),
        is_empty=is_empty(points),
        table=make_table(heading, values, points, before),
        bars=_make_bars(points, slot, end),
        grid=_make_grid(end),
        line=_make_line(line, slot, end) if len(line) > 1 else "",
        line_label=before,
    )


def _make_bars(points: Sequence[Point], slot: float, end: float) -> list[Bar]:
    width = min(slot * _FILLED, _MAX_WIDTH)
    bars = []
    for number, (point, label) in enumerate(zip(points, spaced_labels(len(points)), strict=True)):
        height = point.value / end * HEIGHT
        height = round(max(height, _MIN_HEIGHT), 1) if point.value else 0
        bars.append(
            Bar(
                point,
                slot_x=percent(number * slot),
                slot_width=percent(slot),
                x=percent((number + 0.5) * slot - width / 2),
                width=percent(width),
                y=TOP + HEIGHT - height,
                height=height,
                center=percent((number + 0.5) * slot),
                label_class=label,
            )
        )
    return bars


def _make_grid(end: float) -> list[GridLine]:
    values = [end] if end == 1 else [end, end / 2]
    heights = [TOP + HEIGHT * (1 - value / end) for value in values]
    return [GridLine(y, y - 5, f"{value:,g}") for y, value in zip(heights, values, strict=True)]


def _make_line(values: Sequence[float], slot: float, end: float) -> str:
    return " ".join(
        f"{round((number + 0.5) * slot, 3):g},{round(100 - 100 * value / end, 3):g}"
        for number, value in enumerate(values)
    )
