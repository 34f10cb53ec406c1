"""The widget among the code of a customer's page: CSP, styles, scripts, several widgets."""

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import REDUCED_MOTION, CustomerSites, Snippet, Visitor, WidgetVisit
from tests.support import factories

pytestmark = pytest.mark.usefixtures("live_server")

STRICT_POLICY = (
    "default-src 'none'; script-src 'nonce-abc'; style-src 'none'; img-src 'none';"
    " connect-src {0}; frame-src {0}; require-trusted-types-for 'script'; trusted-types 'none'"
)


def test_the_widget_works_under_a_strict_csp(
    sites: CustomerSites, snippet: Snippet, visitor: Visitor, live_server: LiveServer
) -> None:
    script = snippet(factories.WebchatFactory.create(), "nonce=abc")
    page = f"<!DOCTYPE html><h1>Bank</h1>{script}"
    policy = {"Content-Security-Policy": STRICT_POLICY.format(live_server.url)}
    visit = visitor(sites.serve(page, headers=policy), **REDUCED_MOTION)
    visit.open_widget()
    expect(visit.launcher).to_have_css("width", "56px")
    assert [line for line in visit.console if "favicon" not in line] == []


def test_styles_of_the_page_do_not_apply_to_the_widget(visit_widget: WidgetVisit) -> None:
    styles = (
        "<style>:not(html, body) { all: unset !important; display: none !important } "
        "button, div, dialog { transform: rotate(45deg) !important; font-size: 3px }</style>"
    )
    visit = visit_widget(factories.WebchatFactory.create(), more=styles, options=REDUCED_MOTION)
    visit.open_widget()
    box = visit.launcher.bounding_box()
    assert box is not None
    assert box["width"] == 56


def test_a_snippet_pasted_twice_loads_one_widget(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_widget(webchat, webchat)
    visit.open_widget()
    assert visit.page.locator("webchat-widget").count() == 1
    assert len([url for url in visit.requests if url.endswith("/config")]) == 1


def test_two_webchats_are_shown_side_by_side(visit_widget: WidgetVisit) -> None:
    first, second = factories.WebchatFactory.create_batch(2)
    visit = visit_widget(first, second)
    expect(visit.launcher).to_have_count(2)
    left, right = (button.bounding_box() for button in visit.launcher.all())
    assert left is not None
    assert right is not None
    assert abs(left["x"] - right["x"]) >= 56
    visit.page.evaluate(f"Webchat.open('{second.pk}')")
    frame = visit.page.frame_locator(f"iframe[src$='{second.pk}']")
    expect(frame.get_by_role("heading")).to_have_text(second.organization.name)
    expect(visit.page.locator("iframe")).to_have_count(1)


def test_a_single_page_app_controls_the_widget(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create()
    listeners = (
        "<script>window.events = [];"
        " for (const name of ['ready', 'open', 'close', 'destroy'])"
        " document.addEventListener('webchat:' + name, e => events.push(name + e.detail.id));"
        "</script>"
    )
    visit = visit_widget(webchat, more=listeners)
    page = visit.page
    expect(visit.launcher).to_be_visible()
    page.evaluate("Webchat.open()")
    visit.wait_for_focus()
    page.evaluate("Webchat.toggle()")
    expect(visit.dialog).to_be_hidden()
    page.evaluate("Webchat.toggle()")
    visit.wait_for_focus()
    page.evaluate("Webchat.close()")
    expect(visit.dialog).to_be_hidden()
    page.evaluate("document.body.replaceWith(document.createElement('body'))")
    expect(visit.launcher).to_be_visible()
    page.evaluate("Webchat.destroy()")
    expect(page.locator("webchat-widget")).to_have_count(0)
    page.evaluate("Webchat.open(); Webchat.close('unknown'); Webchat.destroy()")
    expected = ["ready", "open", "close", "open", "close", "destroy"]
    assert page.evaluate("events") == [name + webchat.pk for name in expected]
    page.evaluate(f"Webchat.load('{webchat.pk}')")
    visit.open_widget()


def test_a_widget_opened_while_it_loads_opens_when_it_is_ready(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_widget(webchat)
    expect(visit.launcher).to_be_visible()
    visit.page.evaluate(f"Webchat.destroy(); Webchat.load('{webchat.pk}'); Webchat.open()")
    visit.wait_for_focus()


def test_a_widget_that_the_page_removed_returns_when_it_is_opened(
    visit_widget: WidgetVisit,
) -> None:
    visit = visit_widget(factories.WebchatFactory.create())
    visit.open_widget()
    visit.page.evaluate("document.querySelector('webchat-widget').remove(); Webchat.open()")
    visit.wait_for_focus()
    visit.page.keyboard.press("Escape")
    expect(visit.dialog).to_be_hidden()
