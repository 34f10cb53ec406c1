"""Days of the week by hours of the day: the more, the darker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webchats.conversations.reports.charts.points import (
    Cell,
    Chart,
    Point,
    Table,
    is_empty,
    summarize,
)
from webchats.conversations.reports.charts.scales import percent

ROW_HEIGHT: Final = 24
_GAP: Final = 2
#: Shades of the classes ``heat-1`` to ``heat-5`` of ``reports.css``.
SHADES: Final = 5


@dataclass(frozen=True)
class HeatCell:
    """A rectangle of the map."""

    point: Point
    x: str
    width: str
    #: From 0, nothing, to ``SHADES``.
    shade: int


@dataclass(frozen=True)
class HeatRow:
    """A row of the map, such as a day of the week."""

    label: str
    y: int
    label_y: int
    cells: Sequence[HeatCell]


@dataclass(frozen=True)
class HeatColumn:
    """A label above the map, such as an hour."""

    label: str
    x: str
    label_class: str


@dataclass(frozen=True, kw_only=True)
class HeatMap(Chart):
    """Rows of rectangles. Their links are no tab stops: the table has the same ones."""

    rows: Sequence[HeatRow]
    columns: Sequence[HeatColumn]
    #: What the shades mean: the lowest and the highest value, as they are shown.
    legend: tuple[str, str]
    full_height: int
    cell_height: int = ROW_HEIGHT - _GAP
    #: Each shade with its position in the legend.
    shades: Sequence[tuple[int, int]] = tuple((1 + number, 20 * number) for number in range(SHADES))
    template_name: str = "admin/reports/charts/heat_map.html"


def make_heat_map(
    rows: Sequence[tuple[str, Sequence[Point]]], *, key: str, title: str, heading: str
) -> HeatMap:
    """Return a map of rows of points, all of the same length, whose labels are the columns."""
    points = [point for _, row in rows for point in row]
    highest = max((point.value for point in points), default=0)
    columns = rows[0][1] if rows else []
    width = 100 / max(len(columns), 1)
    return HeatMap(
        key=key,
        title=title,
        summary=summarize(points),
        is_empty=is_empty(points),
        table=Table(
            [heading, *(point.label for point in columns)],
            [
                [Cell(name), *(Cell(point.text, point.url, point.name) for point in row)]
                for name, row in rows
            ],
        ),
        rows=[
            _make_row(number, name, row, width, highest) for number, (name, row) in enumerate(rows)
        ],
        columns=[
            HeatColumn(point.label, percent((number + 0.5) * width), _label_class(number))
            for number, point in enumerate(columns)
        ],
        legend=_make_legend(points),
        full_height=20 + ROW_HEIGHT * len(rows),
    )


def _make_row(
    number: int, name: str, points: Sequence[Point], width: float, highest: float
) -> HeatRow:
    y = 20 + number * ROW_HEIGHT
    cells = [
        HeatCell(point, percent(column * width), percent(width * 0.94), _shade(point, highest))
        for column, point in enumerate(points)
    ]
    return HeatRow(name, y, y + ROW_HEIGHT // 2 + 3, cells)


def _shade(point: Point, highest: float) -> int:
    return -int(-point.value * SHADES // highest) if point.value and highest else 0


def _label_class(hour: int) -> str:
    if hour % 3:
        return ""
    return "label wide" if hour % 6 else "label"


def _make_legend(points: Sequence[Point]) -> tuple[str, str]:
    by_value = sorted((point for point in points if point.value), key=lambda point: point.value)
    return (by_value[0].text, by_value[-1].text) if by_value else ("", "")
