"""The widget passes axe-core in several colors, sizes and zoom levels."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.axe import frame_violations, violations
from tests.browser.conftest import PHONE, REDUCED_MOTION, WidgetVisit
from tests.support import factories

COLORS: dict[str, dict[str, str]] = {
    "default colors": {},
    "light header": {"primary_color": "#FDE68A", "header_text_color": "#1F2937"},
    "dark panel": {
        "background_color": "#0B1120",
        "primary_color": "#38BDF8",
        "header_text_color": "#0B1120",
        "status_text_color": "#CBD5E1",
    },
}
VIEWS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": PHONE,
    "zoom 200 %": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
}


# Contrasts do not depend on the view.
@pytest.mark.parametrize(
    ("colors", "view"),
    [
        *(("default colors", view) for view in VIEWS),
        *((colors, "desktop") for colors in COLORS if colors != "default colors"),
    ],
)
def test_axe_finds_no_violation_in_the_closed_and_the_open_widget(
    visit_widget: WidgetVisit, colors: str, view: str
) -> None:
    webchat = factories.WebchatFactory.create(
        starter_message="Hi! Looking for pricing?", status_text="Within minutes", **COLORS[colors]
    )
    visit = visit_widget(webchat, options=VIEWS[view] | REDUCED_MOTION)
    expect(visit.launcher).to_be_visible()
    assert violations(visit.page) == []
    visit.open_widget()
    assert violations(visit.page) == []


@pytest.mark.parametrize("colors", COLORS)
def test_axe_finds_no_violation_while_the_panel_loads_and_when_it_cannot_be_loaded(
    visit_widget: WidgetVisit, colors: str
) -> None:
    webchat = factories.WebchatFactory.create(**COLORS[colors])
    visit = visit_widget(webchat, options=PHONE | REDUCED_MOTION)
    waiting: list[Route] = []
    visit.page.route(f"**/widget/{webchat.pk}", lambda route: waiting.append(route))
    visit.launcher.click()
    expect(visit.dialog.get_by_role("status")).to_have_text("Loading…")
    assert frame_violations(visit.page.main_frame) == []
    waiting[0].abort()
    expect(visit.dialog.get_by_role("button", name="Try again")).to_be_visible()
    assert frame_violations(visit.page.main_frame) == []


def test_axe_checks_the_frame(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create(status_text="Pale", status_text_color="#EEEEEE")
    visit = visit_widget(webchat, options=REDUCED_MOTION)
    visit.open_widget()
    assert [line.split(":")[0] for line in violations(visit.page)] == ["color-contrast"]
