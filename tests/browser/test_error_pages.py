"""Error pages in a browser."""

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, REDUCED_MOTION, Visitor


@pytest.mark.parametrize("path", ["/nothing", "/admin/nothing/"])
def test_error_pages_have_the_look_of_the_site(
    admin_page: Visitor, live_server: LiveServer, path: str
) -> None:
    visit = admin_page(path, **PHONE, **REDUCED_MOTION)
    card = "getComputedStyle(document.getElementById('content')).borderRadius"
    assert visit.page.evaluate(card) == "14px"
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
    assert not [line for line in visit.console if "Content Security Policy" in line]
    assert violations(visit.page) == []
    visit.page.emulate_media(color_scheme="dark")
    assert violations(visit.page) == []
    visit.page.get_by_role("link", name="Go to the overview").click()
    visit.page.wait_for_url(f"{live_server.url}/admin/")
