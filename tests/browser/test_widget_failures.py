"""The widget with an unavailable service, a failing network, and messages of other pages."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import (
    REDUCED_MOTION,
    CustomerPage,
    CustomerSites,
    Visitor,
    WidgetVisit,
)
from tests.support import factories
from webchats.widget.views import EMBED_JS

pytestmark = pytest.mark.usefixtures("live_server")


def test_an_unavailable_service_leaves_the_page_unchanged(
    sites: CustomerSites, visitor: Visitor
) -> None:
    # The browser has cached the loader; the service is unavailable.
    base = f"http://localhost:{sites.port}/base"
    sites.pages["/base/embed.js"] = (EMBED_JS.read_text(), {"Content-Type": "text/javascript"})
    html = (
        "<!DOCTYPE html><title>Shop</title><body><h1>Shop</h1>"
        f'<script src="{base}/embed.js" data-webchat="{"0" * 24}"></script>'
    )
    visit = visitor(sites.serve(html))
    assert len(visit.wait_for_warning()) == 1
    elements = visit.page.locator("html > *").evaluate_all("all => all.map(e => e.localName)")
    assert elements == ["head", "body"]
    assert not [line for line in visit.console if line.startswith("uncaught")]


def test_a_frame_that_does_not_respond_is_closed_and_can_be_opened_again(
    visit_widget: WidgetVisit,
) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_widget(webchat, options=REDUCED_MOTION)
    page = visit.page
    expect(visit.launcher).to_be_visible()
    address = f"**/widget/{webchat.pk}"
    # A captive portal responds instead of the service.
    page.route(address, lambda route: route.fulfill(body="<h1>Log in to the network</h1>"))
    # The clock stops; the test moves it forward.
    page.clock.install(time=0)
    page.clock.pause_at(1_000)
    visit.launcher.click()
    expect(visit.frame.get_by_text("Log in to the network")).to_be_visible()
    page.clock.fast_forward(14_000)
    expect(visit.dialog).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(visit.dialog).to_be_hidden()
    expect(page.locator("webchat-widget iframe")).to_have_count(0)
    expect(visit.launcher).to_be_visible()
    assert visit.console == [f"Webchat {webchat.pk}: the panel did not load"]
    page.unroute(address)
    page.clock.resume()
    visit.open_widget()
    page.clock.fast_forward(20_000)
    expect(visit.dialog).to_be_visible()


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
    expect(visit.frame.get_by_text("Listening")).to_be_visible()


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


@pytest.mark.parametrize("name", INVALID_VALUES)
def test_the_loader_replaces_invalid_values(
    sites: CustomerSites, customer_page: CustomerPage, visitor: Visitor, name: str
) -> None:
    values, (z_index, right, bottom) = INVALID_VALUES[name]
    webchat = factories.WebchatFactory.create()
    visit = visitor(sites.serve("<!DOCTYPE html>"))

    def change_config(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), **values})

    visit.page.route("**/config", change_config)
    visit.page.goto(sites.serve(customer_page(webchat)))
    expect(visit.launcher).to_be_visible()
    expect(visit.page.locator("webchat-widget")).to_have_css("z-index", z_index)
    expect(visit.launcher).to_have_css("right", f"{right}px")
    expect(visit.launcher).to_have_css("bottom", f"{bottom}px")
    expect(visit.launcher).to_have_css("background-color", "rgb(31, 41, 55)")
    visit.open_widget()
    assert not [url for url in visit.requests if "evil" in url]
