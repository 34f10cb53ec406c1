"""Horizontal bars: one row for each webchat, representative or score."""

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
from webchats.conversations.reports.charts.scales import percent, shorten

ROW_HEIGHT: Final = 44
#: Characters of a label that fit beside the value, on most phones.
_LABEL_COLUMNS: Final = 38


@dataclass(frozen=True)
class Row:
    """A bar below its label."""

    point: Point
    label: str
    y: int
    text_y: int
    bar_y: int
    width: str


@dataclass(frozen=True, kw_only=True)
class RowChart(Chart):
    """Horizontal bars."""

    rows: Sequence[Row]
    full_height: int
    row_height: int = ROW_HEIGHT
    template_name: str = "admin/reports/charts/rows.html"


def make_row_chart(
    points: Sequence[Point],
    *,
    key: str,
    title: str,
    heading: str,
    values: str,
    before: str = "",
) -> RowChart:
    """Return a chart of points in their order, each relative to the highest."""
    highest = max((point.value for point in points), default=0) or 1
    rows = [
        Row(
            point,
            label=shorten(point.label, _LABEL_COLUMNS),
            y=number * ROW_HEIGHT,
            text_y=number * ROW_HEIGHT + 16,
            bar_y=number * ROW_HEIGHT + 24,
            width=percent(max(point.value / highest * 100, 0.5) if point.value else 0),
        )
        for number, point in enumerate(points)
    ]
    return RowChart(
        key=key,
        title=title,
        summary=summarize(points),
        is_empty=is_empty(points),
        table=make_table(heading, values, points, before),
        rows=rows,
        full_height=max(len(points), 1) * ROW_HEIGHT,
    )
