"""Charts: geometry, links, names and tables, from no value to a year of them."""

import re
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string

from tests.browser.conftest import HOSTILE_STRINGS
from webchats.conversations.reports.charts.bars import HEIGHT, TOP, BarChart, make_bar_chart
from webchats.conversations.reports.charts.heat_map import make_heat_map
from webchats.conversations.reports.charts.points import Chart, Point
from webchats.conversations.reports.charts.rows import make_row_chart
from webchats.conversations.reports.charts.scales import round_up, shorten, spaced_labels
from webchats.conversations.reports.charts.shares import make_share_chart

SVG = "{http://www.w3.org/2000/svg}"


def make_points(*values: float, name: str = "Day") -> list[Point]:
    return [
        Point(f"{name} {number}", value, f"{value:,g}", url=f"/behind/?number={number}")
        for number, value in enumerate(values)
    ]


def draw_bars(points: list[Point], before: str = "") -> BarChart:
    return make_bar_chart(
        points, key="bars", title="By day", heading="Day", values="Conversations", before=before
    )


def make_charts(points: list[Point]) -> list[Chart]:
    """Return a chart of each kind."""
    return [
        draw_bars(points),
        make_heat_map([("Mon", points), ("Tue", points)], key="heat", title="When", heading="Day"),
        make_row_chart(points, key="rows", title="Who", heading="Who", values="Conversations"),
        make_share_chart(points, key="parts", title="What", heading="What", values="Conversations"),
    ]


def render(chart: Chart) -> str:
    return render_to_string("admin/reports/charts/chart.html", {"chart": chart})


def parse_svg(html: str) -> ElementTree.Element:
    """Return the first SVG of the page as XML, which HTML need not be."""
    text = re.search(r"<svg class=\"chart-.*?\n</svg>", html, re.DOTALL)
    assert text is not None, html
    return ElementTree.fromstring(text[0].replace("<svg", f'<svg xmlns="{SVG[1:-1]}"', 1))


def test_every_bar_is_a_link_whose_name_is_in_the_table_too() -> None:
    for chart in make_charts(make_points(3, 1_200, 40)):
        html = render(chart)
        links = list(parse_svg(html).iter(f"{SVG}a"))
        assert len(links) == (6 if chart.key == "heat" else 3)
        assert "Day 1: 1,200" in (links[1].findtext(f"{SVG}title") or "")
        table = html[html.index("<table") :]
        for link in links:
            assert f'href="{link.get("href")}"' in table
        assert "1,200" in table


def test_value_of_zero_is_no_link() -> None:
    for chart in make_charts(make_points(0, 7)):
        urls = {link.get("href") for link in parse_svg(render(chart)).iter(f"{SVG}a")}
        assert urls == {"/behind/?number=1"}


@pytest.mark.parametrize("points", [[], make_points(0), make_points(0, 0, 0)], ids=len)
def test_chart_without_values_is_a_sentence(points: list[Point]) -> None:
    for chart in make_charts(points):
        html = render(chart)
        assert "There is nothing in this period." in html
        assert "<svg" not in html


def test_chart_needs_no_inline_style_and_escapes_names() -> None:
    for text in HOSTILE_STRINGS.values():
        for chart in make_charts([Point(text, 3, text, url="/behind/?a=1&b=2")]):
            html = render(chart)
            parse_svg(html)
            assert not re.search(r"<script|<img|style=|<[^>]+ on\w+=", html)


@pytest.mark.parametrize("count", [1, 2, 30, 92, 365])
def test_bars_are_side_by_side_within_the_chart(count: int) -> None:
    chart = draw_bars(make_points(*range(1, count + 1)))
    ends = 0.0
    for bar in chart.bars:
        x, width = float(bar.x[:-1]), float(bar.width[:-1])
        assert ends <= x + 0.002
        ends = x + width
        assert TOP <= bar.y < bar.y + bar.height <= TOP + HEIGHT + 0.1
    assert ends <= 100


def test_small_value_beside_a_large_one_is_visible() -> None:
    small, large = draw_bars(make_points(1, 100_000)).bars
    assert small.height == 2
    assert large.height == HEIGHT


def test_period_before_is_a_line_on_the_same_scale() -> None:
    points = [Point("1 Nov", 5, "5", before=20, before_text="20"), Point("2 Nov", 8, "8", before=0)]
    chart = draw_bars(points, before="The days before")
    assert chart.line == "25,0 75,100"
    html = render(chart)
    assert html.count("The days before") == 2
    assert draw_bars(points).line == ""


def test_dimensions_have_no_thousands_separator() -> None:
    points = make_points(*range(100))
    svg = parse_svg(render(make_charts(points)[2]))
    assert svg.get("height") == "4400"


@pytest.mark.parametrize(
    ("value", "end"),
    [(0, 1), (0.3, 0.4), (1, 1), (3, 4), (9, 10), (11, 20), (31, 40), (700, 800), (4_001, 6_000)],
)
def test_axis_ends_at_a_round_number(value: float, end: float) -> None:
    assert round_up(value) == pytest.approx(end)


@pytest.mark.parametrize("count", [1, 7, 31, 53, 92, 365])
def test_axis_has_few_labels_on_a_phone(count: int) -> None:
    classes = list(spaced_labels(count))
    assert len(classes) == count
    assert classes[0] == "label"
    assert classes.count("label") <= 4
    assert sum(map(bool, classes)) <= 12


def test_shades_begin_with_the_smallest_value() -> None:
    points = make_points(0, 1, 20, 21, 100)
    (row,) = make_heat_map([("Mon", points)], key="heat", title="When", heading="Day").rows
    assert [cell.shade for cell in row.cells] == [0, 1, 1, 2, 5]


def test_shares_add_up_to_the_whole_bar() -> None:
    chart = make_share_chart(
        make_points(1, 2, 1), key="parts", title="What", heading="What", values="Conversations"
    )
    assert [(part.x, part.width, part.share) for part in chart.parts] == [
        ("0%", "25%", "25%"),
        ("25%", "50%", "50%"),
        ("75%", "25%", "25%"),
    ]


def test_label_is_cut_at_its_width() -> None:
    assert shorten("Webchat", 7) == "Webchat"
    assert shorten("Webchats", 7) == "Webchat…"
    assert shorten("日本語のチャット", 7) == "日本語…"
