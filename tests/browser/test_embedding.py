"""Who may embed the widget, as a browser decides it: by the script and by framing the page."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CustomerSites, Visitor
from tests.support import factories

ALLOWED = "shop.example.com"
#: Hosts that a comparison of substrings, or of anything but whole labels, takes for it.
OTHERS = [
    "evil.test",
    "example.com",
    "evil-shop.example.com",
    "shop.example.com.evil.test",
    "a.shop.example.com",
    "shopxexample.com",
]


@pytest.fixture
def page_of(live_server: Any, sites: CustomerSites, customer_page: Any) -> Any:
    """``page_of(host)``: a customer's page there with the widget, allowed on ``ALLOWED`` only."""
    webchat = factories.WebchatFactory.create(allowed_domains=[ALLOWED])
    return lambda host: sites.serve(customer_page(webchat), host=host)


def test_the_allowed_site_shows_the_widget(page_of: Any, visitor: Visitor) -> None:
    visit = visitor(page_of(ALLOWED))
    visit.open()
    expect(visit.frame.get_by_role("heading")).to_be_visible()
    assert visit.console == []


@pytest.mark.parametrize("host", OTHERS)
def test_another_site_shows_nothing(page_of: Any, visitor: Visitor, host: str) -> None:
    visit = visitor(page_of(host))
    visit.page.wait_for_load_state("networkidle")
    expect(visit.page.locator("webchat-widget")).to_have_count(0)
    assert len([line for line in visit.console if line.startswith("Webchat")]) == 1


def framed(live_server: Any, webchat: Any, attributes: str = "") -> str:
    address = f"{live_server.url}/widget/{webchat.pk}"
    return f'<!DOCTYPE html><iframe {attributes} src="{address}"></iframe>'


def shows(visit: Any) -> bool:
    """Whether the frame's page is in the iframe, rather than the browser's own error."""
    visit.page.wait_for_load_state("networkidle")
    return bool(visit.page.frame_locator("iframe").locator("#log").count())


@pytest.mark.parametrize(
    ("host", "attributes", "shown"),
    [
        (ALLOWED, "", True),
        (ALLOWED, 'referrerpolicy="no-referrer"', True),
        *((host, "", False) for host in OTHERS),
        # Nothing tells the service which page asks: the browser alone decides.
        *((host, 'referrerpolicy="no-referrer"', False) for host in OTHERS),
    ],
)
def test_the_frame_can_be_framed_by_the_allowed_site_only(
    live_server: Any,
    sites: CustomerSites,
    visitor: Visitor,
    host: str,
    attributes: str,
    shown: bool,
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[ALLOWED])
    visit = visitor(sites.serve(framed(live_server, webchat, attributes), host=host))
    assert shows(visit) is shown


SANDBOX = {"Content-Security-Policy": "sandbox allow-scripts"}


def test_an_opaque_origin_is_no_site_of_the_list(
    live_server: Any, sites: CustomerSites, customer_page: Any, visitor: Visitor
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[ALLOWED])
    visit = visitor(sites.serve(customer_page(webchat), host=ALLOWED, headers=SANDBOX))
    visit.page.wait_for_load_state("networkidle")
    expect(visit.page.locator("webchat-widget")).to_have_count(0)
    visit = visitor(sites.serve(framed(live_server, webchat), host=ALLOWED, headers=SANDBOX))
    assert not shows(visit)


def test_a_file_is_no_site_of_the_list(
    live_server: Any, customer_page: Any, visitor: Visitor, tmp_path: Any
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[ALLOWED])
    page = tmp_path / "page.html"
    page.write_text(customer_page(webchat))
    visit = visitor(page.as_uri())
    visit.page.wait_for_load_state("networkidle")
    expect(visit.page.locator("webchat-widget")).to_have_count(0)


@pytest.mark.parametrize("host", [ALLOWED, *OTHERS])
def test_with_an_empty_list_every_site_shows_the_widget(
    sites: CustomerSites, customer_page: Any, visitor: Visitor, host: str
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    visit = visitor(sites.serve(customer_page(webchat), host=host))
    visit.open()
    expect(visit.frame.get_by_role("heading")).to_be_visible()


def test_with_an_empty_list_a_file_shows_the_widget(
    live_server: Any, customer_page: Any, visitor: Visitor, tmp_path: Any
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    page = tmp_path / "page.html"
    page.write_text(customer_page(webchat))
    visit = visitor(page.as_uri())
    visit.open()
    expect(visit.frame.get_by_role("heading")).to_be_visible()


def test_with_an_empty_list_a_sandboxed_page_shows_the_widget(
    sites: CustomerSites, customer_page: Any, visitor: Visitor
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    visit = visitor(sites.serve(customer_page(webchat), headers=SANDBOX))
    visit.launcher.click()
    expect(visit.frame.get_by_role("heading")).to_be_visible()


@pytest.mark.parametrize("attributes", ["", 'referrerpolicy="no-referrer"', 'sandbox=""'])
@pytest.mark.parametrize("host", [ALLOWED, *OTHERS])
def test_with_an_empty_list_every_site_may_frame_the_page(
    live_server: Any, sites: CustomerSites, visitor: Visitor, host: str, attributes: str
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    assert shows(visitor(sites.serve(framed(live_server, webchat, attributes), host=host)))


def test_with_an_empty_list_an_opaque_origin_and_a_file_may_frame_the_page(
    live_server: Any, sites: CustomerSites, visitor: Visitor, tmp_path: Any
) -> None:
    html = framed(live_server, factories.WebchatFactory.create(allowed_domains=[]))
    assert shows(visitor(sites.serve(html, headers=SANDBOX)))
    page = tmp_path / "page.html"
    page.write_text(html)
    assert shows(visitor(page.as_uri()))


def test_a_saved_change_reaches_the_site_without_touching_the_snippet(
    sites: CustomerSites, customer_page: Any, visitor: Visitor
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[ALLOWED], starter_message="Before")
    url = sites.serve(customer_page(webchat), host=ALLOWED)
    visitor(url).open()
    webchat.starter_message = "After"
    webchat.save()
    visit = visitor(url)  # another visitor: this one's browser may hold the old one for a minute
    visit.open()
    expect(visit.frame.get_by_text("After")).to_be_visible()


def test_a_disabled_webchat_vanishes_from_the_site(
    sites: CustomerSites, customer_page: Any, visitor: Visitor
) -> None:
    webchat = factories.WebchatFactory.create(is_enabled=False)
    visit = visitor(sites.serve(customer_page(webchat)))
    visit.page.wait_for_load_state("networkidle")
    expect(visit.page.locator("webchat-widget")).to_have_count(0)
