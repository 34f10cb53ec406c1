"""The data points of charts, and the attributes of all charts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A value of a chart."""

    #: Short, for the axis: ``12 Nov``.
    label: str
    value: float
    #: The value as the table and the accessible name show it: ``3 min 20 s``.
    text: str
    #: In full: ``Thursday, 12 November 2026``. If empty, the label.
    full_label: str = ""
    #: The page with the conversations behind the value. If empty, the bar is no link.
    url: str = ""
    #: The value of the period before, and as it is shown; ``None`` without one.
    before: float | None = None
    before_text: str = ""

    @property
    def name(self) -> str:
        """The label in full."""
        return self.full_label or self.label

    @property
    def accessible_name(self) -> str:
        """The name of the bar's link, which is its tooltip, too."""
        return f"{self.name}: {self.text}"


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    url: str = ""
    #: What the link is about, for screen readers.
    name: str = ""


@dataclass(frozen=True)
class Table:
    """The numbers of a chart. The first cell of a row is its heading."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart, drawn by the template that its class names."""

    #: Unique in the page, for ids.
    key: str
    title: str
    #: The text alternative of the chart, for screen readers.
    summary: str
    table: Table
    #: Whether there is nothing to draw: a sentence is shown instead.
    is_empty: bool
    #: The template of the SVG.
    template_name: str


def make_table(heading: str, values: str, points: Iterable[Point], before: str = "") -> Table:
    """Return a table with a row for each point, and a column of the period before if named."""
    columns = [heading, values, *([before] if before else [])]
    rows = [
        [
            Cell(point.name),
            Cell(point.text, point.url, point.name),
            *([Cell(point.before_text)] if before else []),
        ]
        for point in points
    ]
    return Table(columns, rows)


def is_empty(points: Iterable[Point]) -> bool:
    """Return whether no point has a value, now or in the period before."""
    return not any(point.value or point.before for point in points)


def summarize(points: Sequence[Point]) -> str:
    """Return a sentence with the highest point; that there is none if all are zero."""
    highest = max(points, key=lambda point: point.value, default=None)
    if highest is None or not highest.value:
        return "There is nothing in this period."
    return f"Highest: {highest.name}, {highest.text}."
