"""What axe-core finds in the widget (WCAG 2.2 AA and axe's best practices): nothing."""

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CustomerSites, Visit, Visitor
from tests.support import factories

LOOKS = {
    "as new": {},
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
    "phone": {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True},
    "enlarged": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
}


AXE = (files("axe_playwright_python") / "axe.min.js").read_text()


def violations(visit: Visit) -> list[str]:
    """In the page, and in the iframe, which is of another origin and so looked at by itself."""
    found: list[str] = []
    for frame in visit.page.frames:
        frame.evaluate(AXE)
        rules = frame.evaluate("axe.run({iframes: false}).then(result => result.violations)")
        found += (f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in rules)
    return found


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_the_widget_closed_and_open(
    sites: CustomerSites,
    customer_page: Any,
    visitor: Visitor,
    live_server: Any,
    look: str,
    view: str,
) -> None:
    webchat = factories.WebchatFactory.create(
        starter_message="Hi! Looking for pricing?", status_text="Within minutes", **LOOKS[look]
    )
    visit = visitor(sites.serve(customer_page(webchat)), **VIEWS[view], reduced_motion="reduce")
    expect(visit.launcher).to_be_visible()
    assert violations(visit) == []
    visit.open()
    assert violations(visit) == []


def test_axe_looks_into_the_frame(
    sites: CustomerSites, customer_page: Any, visitor: Visitor, live_server: Any
) -> None:
    webchat = factories.WebchatFactory.create(status_text="Pale", status_text_color="#EEEEEE")
    visit = visitor(sites.serve(customer_page(webchat)), reduced_motion="reduce")
    visit.open()
    assert [line.split(":")[0] for line in violations(visit)] == ["color-contrast"]
