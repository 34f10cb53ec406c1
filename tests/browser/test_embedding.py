"""Which sites can embed the widget in a real browser, by the script and by an iframe."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import CustomerPage, CustomerSites, Visit, Visitor, WidgetVisit
from tests.support import factories
from webchats.models import Webchat

ALLOWED = "shop.example.com"
#: Hosts that a comparison of substrings, or of anything but whole labels, would accept.
OTHERS = [
    "evil.test",
    "example.com",
    "evil-shop.example.com",
    "shop.example.com.evil.test",
    "a.shop.example.com",
    "shopxexample.com",
]
#: Gives the page an opaque origin.
SANDBOX = {"Content-Security-Policy": "sandbox allow-scripts"}
NO_REFERRER = 'referrerpolicy="no-referrer"'


@pytest.fixture
def restricted(live_server: LiveServer) -> Webchat:
    """A webchat that only ``ALLOWED`` may embed."""
    return factories.WebchatFactory.create(allowed_domains=[ALLOWED])


@pytest.fixture
def unrestricted(live_server: LiveServer) -> Webchat:
    """A webchat that every site may embed."""
    return factories.WebchatFactory.create(allowed_domains=[])


# --- The script ---


def test_an_allowed_site_shows_the_widget(
    restricted: Webchat, sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor
) -> None:
    visit = visitor(sites.serve(customer_page(restricted), host=ALLOWED))
    visit.open_widget()
    expect(visit.frame.get_by_role("heading")).to_be_visible()
    assert visit.console == []


def test_another_site_shows_no_widget(
    restricted: Webchat, sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor
) -> None:
    visit = visitor("about:blank")
    for host in OTHERS:
        visit.console.clear()
        visit.page.goto(sites.serve(customer_page(restricted), host=host))
        assert len(visit.wait_for_warning()) == 1, host
        expect(visit.page.locator("webchat-widget")).to_have_count(0)


def test_an_opaque_origin_is_not_an_allowed_site(
    restricted: Webchat, sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor
) -> None:
    visit = visitor(sites.serve(customer_page(restricted), host=ALLOWED, headers=SANDBOX))
    visit.wait_for_warning()
    expect(visit.page.locator("webchat-widget")).to_have_count(0)


def test_a_local_file_is_not_an_allowed_site(
    restricted: Webchat, customer_page: CustomerPage, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(customer_page(restricted))
    visit = visitor(file.as_uri())
    visit.wait_for_warning()
    expect(visit.page.locator("webchat-widget")).to_have_count(0)


def test_with_an_empty_list_every_site_shows_the_widget(
    unrestricted: Webchat, sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor
) -> None:
    visit = visitor("about:blank")
    for host in (ALLOWED, OTHERS[0]):
        visit.page.goto(sites.serve(customer_page(unrestricted), host=host))
        visit.open_widget()
        expect(visit.frame.get_by_role("heading")).to_be_visible()


def test_with_an_empty_list_a_local_file_shows_the_widget(
    unrestricted: Webchat, customer_page: CustomerPage, visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(customer_page(unrestricted))
    visit = visitor(file.as_uri())
    visit.open_widget()
    expect(visit.frame.get_by_role("heading")).to_be_visible()


def test_with_an_empty_list_a_sandboxed_page_shows_the_widget(
    unrestricted: Webchat, sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor
) -> None:
    visit = visitor(sites.serve(customer_page(unrestricted), headers=SANDBOX))
    visit.open_widget()
    expect(visit.frame.get_by_role("heading")).to_be_visible()


def test_a_saved_change_appears_without_a_change_of_the_snippet(
    restricted: Webchat, sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor
) -> None:
    Webchat.objects.filter(pk=restricted.pk).update(starter_message="Before")
    url = sites.serve(customer_page(restricted), host=ALLOWED)
    visitor(url).open_widget()
    restricted.starter_message = "After"
    restricted.save()
    # A new browser context: the cache of the first may hold the configuration for a minute.
    visit = visitor(url)
    visit.open_widget()
    expect(visit.frame.get_by_text("After")).to_be_visible()


def test_a_disabled_webchat_is_not_shown(
    visit_widget: WidgetVisit, live_server: LiveServer
) -> None:
    visit = visit_widget(factories.WebchatFactory.create(is_enabled=False))
    visit.wait_for_warning()
    expect(visit.page.locator("webchat-widget")).to_have_count(0)


# --- The frame in an iframe of the site ---


def iframes(live_server: LiveServer, webchat: Webchat, *attributes: str) -> str:
    """Return a page with one iframe of the widget's frame for each of the attributes."""
    source = f"{live_server.url}/widget/{webchat.pk}"
    elements = "".join(f'<iframe {more} src="{source}"></iframe>' for more in attributes)
    return f"<!DOCTYPE html>{elements}"


def shown(visit: Visit, url: str = "") -> list[bool]:
    """Return for each iframe whether it shows the widget instead of an error page of the browser.

    The page's ``load`` event, which the visit has waited for, follows those of the iframes. With
    ``url``, another page is opened first.
    """
    if url:
        visit.page.goto(url)
    frames = visit.page.locator("iframe").all()
    return [bool(frame.content_frame.locator("#log").count()) for frame in frames]


def test_only_an_allowed_site_can_frame_the_page(
    live_server: LiveServer, restricted: Webchat, sites: CustomerSites, visitor: Visitor
) -> None:
    # Without a referrer the service cannot identify the site: only the browser enforces the CSP.
    page = iframes(live_server, restricted, "", NO_REFERRER)
    visit = visitor("about:blank")
    found = {host: shown(visit, sites.serve(page, host=host)) for host in (ALLOWED, *OTHERS)}
    refused = {host: [False, False] for host in OTHERS}
    assert found == {ALLOWED: [True, True], **refused}


def test_an_opaque_origin_cannot_frame_the_page(
    live_server: LiveServer, restricted: Webchat, sites: CustomerSites, visitor: Visitor
) -> None:
    page = iframes(live_server, restricted, "")
    assert shown(visitor(sites.serve(page, host=ALLOWED, headers=SANDBOX))) == [False]


def test_with_an_empty_list_every_site_can_frame_the_page(
    live_server: LiveServer, unrestricted: Webchat, sites: CustomerSites, visitor: Visitor
) -> None:
    page = iframes(live_server, unrestricted, "", NO_REFERRER, 'sandbox=""')
    assert shown(visitor(sites.serve(page, host=OTHERS[0]))) == [True, True, True]


def test_with_an_empty_list_an_opaque_origin_and_a_local_file_can_frame_the_page(
    live_server: LiveServer,
    unrestricted: Webchat,
    sites: CustomerSites,
    visitor: Visitor,
    tmp_path: Path,
) -> None:
    page = iframes(live_server, unrestricted, "")
    assert shown(visitor(sites.serve(page, headers=SANDBOX))) == [True]
    file = tmp_path / "page.html"
    file.write_text(page)
    assert shown(visitor(file.as_uri())) == [True]
