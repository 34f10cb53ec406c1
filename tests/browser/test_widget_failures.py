"""The widget with an unavailable service, a failing network, and messages of other pages."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import (
    REDUCED_MOTION,
    CustomerPage,
    CustomerSites,
    Visit,
    Visitor,
    WidgetVisit,
)
from tests.support import factories
from webchats.models import Webchat
from webchats.widget.assets import STATIC

pytestmark = pytest.mark.usefixtures("live_server")


def test_an_unavailable_service_leaves_the_page_unchanged(
    sites: CustomerSites, visitor: Visitor
) -> None:
    # The browser has cached the loader; the service is unavailable.
    base = f"http://localhost:{sites.port}/base"
    sites.pages["/base/embed.js"] = (
        (STATIC / "embed.js").read_text(),
        {"Content-Type": "text/javascript"},
    )
    html = (
        "<!DOCTYPE html><title>Shop</title><body><h1>Shop</h1>"
        f'<script src="{base}/embed.js" data-webchat="{"0" * 24}"></script>'
    )
    visit = visitor(sites.serve(html))
    assert len(visit.wait_for_warning()) == 1
    elements = visit.page.locator("html > *").evaluate_all("all => all.map(e => e.localName)")
    assert elements == ["head", "body"]
    assert not [line for line in visit.console if line.startswith("uncaught")]


def wait_for_load_event(visit: Visit, action: str) -> None:
    """Run JavaScript, with the widget's shadow root as ``root``, and wait for the frame's event.

    An error page of the browser causes the event, too.
    """
    visit.page.evaluate(
        f"""() => new Promise(done => {{
          const root = document.querySelector("webchat-widget").shadowRoot;
          {action};
          root.querySelector("iframe").addEventListener("load", () => done());
        }})"""
    )


def expect_failure(visit: Visit) -> None:
    """Expect the panel to offer another attempt in place of the frame."""
    expect(visit.dialog.get_by_role("status")).to_have_text("We can't be reached.")
    expect(visit.dialog.get_by_role("button", name="Try again")).to_be_visible()
    expect(visit.dialog.locator("iframe")).to_be_hidden()


@pytest.fixture
def webchat() -> Webchat:
    return factories.WebchatFactory.create()


@pytest.fixture
def visit(visit_widget: WidgetVisit, webchat: Webchat) -> Visit:
    """A customer's page with the widget. Its clock is stopped, and a test moves it forward."""
    visit = visit_widget(webchat, options=REDUCED_MOTION)
    expect(visit.launcher).to_be_visible()
    visit.page.clock.install(time=0)
    visit.page.clock.pause_at(1_000)
    return visit


#: What happens to the request for the frame.
FAILURES: dict[str, Callable[[Route], None]] = {
    "captive portal": lambda route: route.fulfill(body="<h1>Log in to the network</h1>"),
    "no network": lambda route: route.abort("internetdisconnected"),
    "error": lambda route: route.fulfill(status=503, json={"error": "Busy"}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_panel_that_cannot_be_loaded_offers_another_attempt(
    visit: Visit, webchat: Webchat, failure: str
) -> None:
    page, frame_address = visit.page, f"**/widget/{webchat.pk}"
    page.route(frame_address, FAILURES[failure])
    wait_for_load_event(visit, "root.querySelector('.launcher').click()")
    expect(visit.dialog.get_by_role("status")).to_have_text("Loading…")
    expect(visit.dialog.locator("iframe")).to_be_hidden()
    page.clock.fast_forward(2_500)
    expect_failure(visit)
    warnings = [line for line in visit.console if line.startswith("Webchat")]
    assert warnings == [
        f"Webchat {webchat.pk}: the panel did not load. Check the network, and frame-src of this"
        " page's Content-Security-Policy."
    ]
    page.unroute(frame_address)
    visit.dialog.get_by_role("button", name="Try again").press("Enter")
    visit.wait_for_focus()
    expect(visit.dialog.get_by_role("status")).to_be_hidden()
    page.clock.fast_forward(20_000)
    expect(visit.dialog.locator("iframe")).to_be_visible()


def test_a_panel_without_a_response_fails_after_15_seconds_and_shows_a_late_response(
    visit: Visit, webchat: Webchat
) -> None:
    waiting: list[Route] = []
    visit.page.route(f"**/widget/{webchat.pk}", lambda route: waiting.append(route))
    visit.launcher.click()
    expect(visit.dialog.get_by_role("status")).to_have_text("Loading…")
    expect(visit.dialog.get_by_role("button", name="Close chat")).to_be_focused()
    visit.page.clock.fast_forward(14_000)
    expect(visit.dialog.get_by_role("status")).to_have_text("Loading…")
    visit.page.clock.fast_forward(2_000)
    expect(visit.dialog.get_by_role("button", name="Try again")).to_be_focused()
    waiting[0].continue_()
    visit.wait_for_focus()


def test_a_failed_panel_can_be_closed_and_is_loaded_again_when_it_is_opened(
    visit: Visit, webchat: Webchat
) -> None:
    frame_address = f"**/widget/{webchat.pk}"
    visit.page.route(frame_address, FAILURES["no network"])
    wait_for_load_event(visit, "root.querySelector('.launcher').click()")
    visit.page.clock.fast_forward(2_500)
    expect_failure(visit)
    visit.dialog.get_by_role("button", name="Close chat").click()
    expect(visit.dialog).to_be_hidden()
    expect(visit.launcher).to_be_focused()
    visit.page.unroute(frame_address)
    visit.open_widget()


def test_a_frame_that_leaves_the_widget_is_hidden(visit: Visit, sites: CustomerSites) -> None:
    visit.open_widget()
    elsewhere = sites.serve("<p>Elsewhere</p>", host="elsewhere.example")
    wait_for_load_event(visit, f"root.querySelector('iframe').src = '{elsewhere}'")
    expect(visit.dialog.locator("iframe")).to_be_hidden()
    visit.page.clock.fast_forward(2_500)
    expect_failure(visit)


def test_the_console_shows_a_hint(visit_widget: WidgetVisit) -> None:
    disabled = factories.WebchatFactory.create(is_enabled=False)
    (warning,) = visit_widget(disabled).wait_for_warning()
    assert warning.startswith(f"Webchat {disabled.pk} is not shown on http://shop.example.com:")
    for cause in ("the id", "enabled", "allowed domains", "CORS"):
        assert cause in warning


@pytest.mark.parametrize("attribute", ["", 'data-webchat=""'])
def test_the_console_reports_a_missing_id(
    sites: CustomerSites, visitor: Visitor, live_server: LiveServer, attribute: str
) -> None:
    script = f'<script src="{live_server.url}/embed.js" {attribute}></script>'
    visit = visitor(sites.serve(f"<!DOCTYPE html><title>Shop</title>{script}"))
    assert visit.wait_for_warning() == ["Webchat: data-webchat is missing."]
    assert not [url for url in visit.requests if "/widget/" in url]


def test_a_page_of_another_origin_in_the_frame_receives_no_message(
    visit_widget: WidgetVisit, sites: CustomerSites
) -> None:
    visit = visit_widget(factories.WebchatFactory.create(), options=REDUCED_MOTION)
    other = sites.serve(
        "<p>Listening</p><script>addEventListener('message', () =>"
        " { document.querySelector('p').textContent = 'Received' })</script>",
        host="evil.test",
    )
    visit.open_widget()
    visit.page.evaluate(
        """address => new Promise(done => {
          const { shadowRoot } = document.querySelector("webchat-widget");
          const frame = shadowRoot.querySelector("iframe");
          // After the loader's own handler, and after a message would have arrived.
          frame.addEventListener("load", () => setTimeout(done, 300));
          frame.contentWindow.location = address;
        })""",
        other,
    )
    expect(visit.frame.locator("p")).to_have_text("Listening")


def test_the_frame_accepts_only_the_first_handshake(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_widget(webchat, options=REDUCED_MOTION)
    visit.open_widget()
    response = visit.page.evaluate(
        """id => new Promise(resolve => {
          const frame = document.querySelector("webchat-widget").shadowRoot.querySelector("iframe");
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => resolve(data);
          frame.contentWindow.postMessage({ webchat: id, dir: "rtl" }, "*", [port2]);
          setTimeout(() => resolve("nothing"), 500);
        })""",
        webchat.pk,
    )
    assert response == "nothing"
    expect(visit.frame.locator("html")).to_have_attribute("dir", "ltr")


#: Invalid values, and the z-index, right and bottom that the loader sets instead.
INVALID_VALUES: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "too large": ({"zIndex": 1e300, "offsetX": 1e9, "offsetY": 201}, ("2147483647", "200", "200")),
    "too small": ({"zIndex": -5, "offsetX": -1e9, "offsetY": -1}, ("1", "0", "0")),
    "fractions": ({"zIndex": 1.4, "offsetX": 10.6, "offsetY": 199.9}, ("1", "11", "200")),
    "not numbers": (
        {"zIndex": "1}*{all:unset", "offsetX": "calc(9px)", "offsetY": [7]},
        ("9999", "24", "24"),
    ),
    "null": ({"zIndex": None, "offsetX": None, "offsetY": None}, ("9999", "24", "24")),
    "styles": (
        {
            "position": "bottom-right;}*{display:none}",
            "primaryColor": "red;}*{display:none}",
            "primaryTextColor": "url(https://evil.test)",
            "backgroundColor": {"x": "red"},
        },
        ("9999", "24", "24"),
    ),
}


def test_the_loader_replaces_invalid_values(
    sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor
) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visitor("about:blank")
    changed: dict[str, Any] = {}

    def change_config(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), **changed})

    visit.page.route("**/config", change_config)
    for values, (z_index, right, bottom) in INVALID_VALUES.values():
        changed = values
        visit.page.goto(sites.serve(customer_page(webchat)))
        expect(visit.launcher).to_be_visible()
        expect(visit.page.locator("webchat-widget")).to_have_css("z-index", z_index)
        expect(visit.launcher).to_have_css("right", f"{right}px")
        expect(visit.launcher).to_have_css("bottom", f"{bottom}px")
        expect(visit.launcher).to_have_css("background-color", "rgb(31, 41, 55)")
        visit.open_widget()
    assert not [url for url in visit.requests if "evil" in url]
