"""The demo's sample site, as the running demo serves it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, REDUCED_MOTION, Visitor
from tests.support.demo import running_demo


@pytest.fixture
def sample_site(tmp_path: Path) -> Iterator[str]:
    """The URL of the sample site."""
    with running_demo(tmp_path) as (address, _):
        yield f"{address}/demo"


def test_the_sample_site_shows_the_widget(visitor: Visitor, sample_site: str) -> None:
    visit = visitor(sample_site, **REDUCED_MOTION)
    visit.open_widget()
    expect(visit.frame.get_by_role("heading")).to_have_text("Example Company")
    assert visit.console == []
    phone = visitor(sample_site, **PHONE, **REDUCED_MOTION)
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 320
    for page in (visit.page, phone.page):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []
