"""Parts of a whole: one bar, divided, with a legend of the same order."""

from collections.abc import Sequence
from dataclasses import dataclass

from webchats.conversations.reports.charts.points import Cell, Chart, Point, Table
from webchats.conversations.reports.charts.scales import percent


@dataclass(frozen=True)
class Part:
    """A part of the bar. ``reports.css`` has a color and a pattern for each number."""

    point: Point
    number: int
    x: str
    width: str
    #: Of the whole: ``25%``.
    share: str


@dataclass(frozen=True, kw_only=True)
class ShareChart(Chart):
    """A divided bar."""

    parts: Sequence[Part]
    template_name: str = "admin/reports/charts/shares.html"


def make_share_chart(
    points: Sequence[Point], *, key: str, title: str, heading: str, values: str
) -> ShareChart:
    """Return a chart of at most five points, which together are the whole."""
    total = sum(point.value for point in points)
    parts, start = [], 0.0
    for number, point in enumerate(points, start=1):
        share = point.value / total * 100 if total else 0
        parts.append(Part(point, number, percent(start), percent(share), f"{share:.0f}%"))
        start += share
    shares = ", ".join(f"{part.point.name} {part.share}" for part in parts)
    return ShareChart(
        key=key,
        title=title,
        summary=f"{shares}.",
        is_empty=not total,
        table=Table(
            [heading, values, "Share"],
            [
                [
                    Cell(part.point.name),
                    Cell(part.point.text, part.point.url, part.point.name),
                    Cell(part.share),
                ]
                for part in parts
            ],
        ),
        parts=parts,
    )
