"""The README's pictures of the widget: ``uv run pytest -n 0 tests/browser/screenshots.py``.

Not a test by its name, so that the suite leaves the pictures alone.
"""

from pathlib import Path
from typing import Any

import pytest

from tests import factories
from tests.browser.conftest import CustomerSites, Visitor

FOLDER = Path(__file__).parent.parent.parent / ".screenshots"
SHOP = """
<style>
body { margin: 0; font: 16px/1.6 system-ui, sans-serif; color: #1f2937; background: #faf9f7 }
nav { padding: 20px 48px; background: #fff; border-bottom: 1px solid #eceae6; font-weight: 600 }
main { padding: 56px 48px; max-width: 560px } h1 { font-size: 40px; line-height: 1.15; margin: 0 }
@media (max-width: 480px) { nav, main { padding: 20px } h1 { font-size: 30px } }
</style>
<nav>Northwind Outdoor</nav>
<main><h1>Everything for a weekend outside.</h1>
<p>Tents, packs and boots that we use ourselves.</p></main>
"""


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("widget-desktop", {"viewport": {"width": 1100, "height": 760}}),
        (
            "widget-phone",
            {"viewport": {"width": 390, "height": 760}, "is_mobile": True, "has_touch": True},
        ),
    ],
)
def test_picture(
    sites: CustomerSites,
    snippet: Any,
    visitor: Visitor,
    live_server: Any,
    name: str,
    options: dict[str, Any],
) -> None:
    organization = factories.OrganizationFactory.create(name="Northwind Outdoor")
    webchat = factories.WebchatFactory.create(
        user__organization=organization,
        primary_color="#14532D",
        secondary_color="#16A34A",
        status_text="We typically reply within minutes",
        starter_message="Hi! Looking for the right tent?\nAsk away, we are happy to help.",
    )
    page = (
        '<!DOCTYPE html><html lang="en"><title>Northwind Outdoor</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
    )
    visit = visitor(sites.serve(page + SHOP + snippet(webchat)), reduced_motion="reduce", **options)
    visit.launcher.wait_for()
    visit.open()
    FOLDER.mkdir(exist_ok=True)
    visit.page.mouse.move(1, 1)
    visit.page.screenshot(path=FOLDER / f"{name}.png")
