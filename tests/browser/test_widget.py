"""The widget on a customer's page: how it opens, closes, behaves with others and costs."""

import gzip
import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from organizations.models import Organization
from tests.browser.conftest import HOSTILE, CustomerSites, Visit, Visitor
from tests.support import factories
from tests.support.icons import store_icon
from webchats.icons.storage import icon_storage
from webchats.models import Webchat
from webchats.widget.views import LOADER

#: Nothing moves, so that what is measured stays.
CALM = {"reduced_motion": "reduce"}
PHONE = {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def visit_with(sites: CustomerSites, customer_page: Any, visitor: Visitor, live_server: Any) -> Any:
    """``visit_with(webchats, …)``: a visitor on a page with the widgets of these webchats."""

    def go(*webchats: Any, headers: Any = None, options: Any = None, **page: str) -> Visit:
        return visitor(
            sites.serve(customer_page(*webchats, **page), headers=headers), **options or {}
        )

    return go


# --- With the keyboard, and with a screen reader ---


def test_the_keyboard_alone_opens_reads_and_closes_it(visit_with: Any) -> None:
    visit = visit_with(factories.WebchatFactory.create(starter_message="line\n" * 100))
    expect(visit.launcher).to_have_attribute("aria-expanded", "false")
    visit.page.keyboard.press("Tab")
    expect(visit.launcher).to_be_focused()
    visit.page.keyboard.press("Enter")
    visit.wait_for_focus()
    expect(visit.launcher).to_have_attribute("aria-expanded", "true")
    log = visit.frame.get_by_role("log")
    visit.page.keyboard.press("End")
    visit.frame.locator("#log").evaluate(
        "log => new Promise(go => { const look = () => "
        "log.scrollTop > 0 ? go() : requestAnimationFrame(look); look(); })"
    )
    expect(log).to_have_attribute("aria-live", "polite")
    visit.page.keyboard.press("Escape")
    expect(visit.dialog).not_to_have_attribute("open", "")
    expect(visit.launcher).to_be_focused()


def test_the_frames_own_button_closes_it_too(visit_with: Any) -> None:
    visit = visit_with(factories.WebchatFactory.create())
    visit.open()
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Enter")
    expect(visit.dialog).to_be_hidden()
    expect(visit.launcher).to_be_focused()


def test_only_who_came_by_keyboard_sees_the_ring(visit_with: Any) -> None:
    visit = visit_with(factories.WebchatFactory.create())
    ring = "log => getComputedStyle(log).outlineStyle"
    visit.open()
    assert visit.frame.locator("#log").evaluate(ring) == "none"
    visit.page.keyboard.press("Shift")
    assert visit.frame.locator("#log").evaluate(ring) == "solid"
    visit.page.keyboard.press("Escape")
    expect(visit.launcher).to_be_focused()
    visit.page.keyboard.press("Enter")
    visit.wait_for_focus()
    assert visit.frame.locator("#log").evaluate(ring) == "solid"


def test_escape_on_the_launcher_closes_it(visit_with: Any) -> None:
    visit = visit_with(factories.WebchatFactory.create())
    visit.open()
    visit.launcher.focus()
    visit.page.keyboard.press("Escape")
    expect(visit.dialog).to_be_hidden()
    expect(visit.launcher).to_be_focused()


def test_focus_returns_to_what_opened_it(visit_with: Any) -> None:
    more = "<button onclick='Webchat.open()'>Help</button>"
    visit = visit_with(factories.WebchatFactory.create(), more=more)
    expect(visit.launcher).to_be_visible()
    help_button = visit.page.get_by_role("button", name="Help")
    help_button.click()
    visit.wait_for_focus()
    visit.page.keyboard.press("Escape")
    expect(help_button).to_be_focused()


def test_targets_are_large_enough_for_a_thumb(visit_with: Any) -> None:
    visit = visit_with(factories.WebchatFactory.create())
    visit.open()
    for target in (visit.launcher, visit.frame.get_by_role("button")):
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 44


# --- On phones, enlarged, mirrored, calm ---


@pytest.mark.parametrize("position", ["bottom-right", "top-left"])
def test_a_phones_whole_screen_is_the_panel(visit_with: Any, position: str) -> None:
    visit = visit_with(
        factories.WebchatFactory.create(position=position, offset_x=200), options=PHONE | CALM
    )
    box = visit.launcher.bounding_box()
    assert 0 <= box["x"] <= 320 - 56
    visit.open()
    expect(visit.page.locator("webchat-widget dialog:modal")).to_have_count(1)
    assert visit.dialog.bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 568}
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
    visit.frame.get_by_role("button").tap()
    expect(visit.dialog).to_be_hidden()
    expect(visit.launcher).to_be_focused()


@pytest.mark.parametrize("position", ["bottom-right", "bottom-left", "top-right", "top-left"])
def test_the_panel_stands_inside_the_window_in_its_corner(visit_with: Any, position: str) -> None:
    visit = visit_with(
        factories.WebchatFactory.create(position=position, offset_x=40, offset_y=50), options=CALM
    )
    visit.open()
    button, panel = visit.launcher.bounding_box(), visit.dialog.bounding_box()
    y, x = position.split("-")
    assert button["x"] == (40 if x == "left" else 1280 - 40 - 56)
    assert button["y"] == (50 if y == "top" else 800 - 50 - 56)
    assert panel["y"] >= 0
    assert panel["y"] + panel["height"] <= 800
    assert panel["x"] == (40 if x == "left" else 1280 - 40 - 384)


def test_text_of_twice_the_size_stays_readable(visit_with: Any) -> None:
    visit = visit_with(
        factories.WebchatFactory.create(starter_message="Hello " * 20, status_text="word " * 30),
        options=PHONE,
    )
    visit.open()
    visit.frame.locator("html").evaluate("html => html.style.fontSize = '200%'")
    sizes = visit.frame.locator("html").evaluate(
        "html => ({page: html.scrollWidth, log: log.scrollWidth - log.clientWidth,"
        " height: log.clientHeight, font: parseFloat(getComputedStyle(log).fontSize)})"
    )
    assert sizes["font"] == 32
    assert (sizes["page"], sizes["log"]) == (320, 0)
    visit.frame.get_by_text("Hello").scroll_into_view_if_needed()
    expect(visit.frame.get_by_text("Hello")).to_be_in_viewport()
    expect(visit.frame.get_by_role("button")).to_be_visible()


def test_the_panel_follows_the_pages_direction_and_language(visit_with: Any) -> None:
    webchat = factories.WebchatFactory.create(starter_message="مرحبا")
    visit = visit_with(webchat, attributes='dir="rtl" data-x')
    visit.page.evaluate("document.documentElement.lang = 'ar'")
    visit.open()
    expect(visit.frame.locator("html")).to_have_attribute("dir", "rtl")
    expect(visit.frame.get_by_text("مرحبا")).to_have_attribute("lang", "ar")
    title, close = visit.frame.get_by_role("heading"), visit.frame.get_by_role("button")
    assert close.bounding_box()["x"] < title.bounding_box()["x"]


def test_who_asked_for_less_motion_gets_none(visit_with: Any) -> None:
    visit = visit_with(
        factories.WebchatFactory.create(starter_message="Hi"), options={"reduced_motion": "reduce"}
    )
    visit.open()
    running = "element => element.getAnimations({subtree: true}).length"
    durations = "element => getComputedStyle(element).transitionDuration"
    assert visit.dialog.evaluate(running) == 0
    assert visit.dialog.evaluate(durations) == "0s"
    assert visit.frame.locator("html").evaluate(running) == 0
    calm = visit_with(factories.WebchatFactory.create(starter_message="Hi"))
    assert calm.dialog.evaluate(durations) != "0s"


def test_with_forced_colours_its_shapes_have_edges(visit_with: Any) -> None:
    visit = visit_with(
        factories.WebchatFactory.create(), options={**CALM, "forced_colors": "active"}
    )
    visit.open()
    for shape in (visit.launcher, visit.dialog):
        expect(shape).to_have_css("border-top-style", "solid")
        expect(shape).to_have_css("border-top-width", "1px")


def test_a_phones_notch_and_bar_hide_nothing(visit_with: Any) -> None:
    visit = visit_with(factories.WebchatFactory.create(), options=PHONE | CALM)
    insets = {"top": 44, "bottom": 34, "left": 0, "right": 0}
    devtools = visit.page.context.new_cdp_session(visit.page)
    devtools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    visit.open()
    box = visit.page.locator("webchat-widget iframe").bounding_box()
    assert box == {"x": 0, "y": 44, "width": 320, "height": 568 - 44 - 34}


# --- Among other code ---


STRICT = (
    "default-src 'none'; script-src 'nonce-abc'; style-src 'none'; img-src 'none';"
    " connect-src {0}; frame-src {0}; require-trusted-types-for 'script'; trusted-types 'none'"
)


def test_a_strict_policy_of_the_page_stands_in_no_way(
    sites: CustomerSites, snippet: Any, visitor: Visitor, live_server: Any
) -> None:
    page = f"<!DOCTYPE html><h1>Bank</h1>{snippet(factories.WebchatFactory.create(), 'nonce=abc')}"
    policy = {"Content-Security-Policy": STRICT.format(live_server.url)}
    visit = visitor(sites.serve(page, headers=policy), **CALM)
    visit.open()
    expect(visit.launcher).to_have_css("width", "56px")
    assert [line for line in visit.console if "favicon" not in line] == []


def test_the_pages_own_styles_do_not_reach_it(visit_with: Any) -> None:
    rude = (
        "<style>:not(html, body) { all: unset !important; display: none !important } "
        "button, div, dialog { transform: rotate(45deg) !important; font-size: 3px }</style>"
    )
    visit = visit_with(factories.WebchatFactory.create(), more=rude, options=CALM)
    visit.open()
    assert visit.launcher.bounding_box()["width"] == 56


def test_pasted_twice_it_loads_once(visit_with: Any) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_with(webchat, webchat)
    visit.open()
    assert visit.page.locator("webchat-widget").count() == 1
    assert len([url for url in visit.requests if url.endswith("/config")]) == 1


def test_two_webchats_stand_side_by_side(visit_with: Any) -> None:
    first, second = factories.WebchatFactory.create_batch(2)
    visit = visit_with(first, second)
    expect(visit.launcher).to_have_count(2)
    boxes = [button.bounding_box() for button in visit.launcher.all()]
    assert abs(boxes[0]["x"] - boxes[1]["x"]) >= 56
    visit.page.evaluate(f"Webchat.open('{second.pk}')")
    frame = visit.page.frame_locator(f"iframe[src$='{second.pk}']")
    expect(frame.get_by_role("heading")).to_have_text(second.organization.name)
    expect(visit.page.locator("iframe")).to_have_count(1)


def test_a_single_page_app_drives_it(visit_with: Any) -> None:
    webchat = factories.WebchatFactory.create()
    listen = (
        "<script>window.seen = []; for (const name of ['ready', 'open', 'close', 'destroy'])"
        " document.addEventListener('webchat:' + name, e => seen.push(name + e.detail.id));"
        "</script>"
    )
    visit = visit_with(webchat, more=listen)
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
    page.evaluate("Webchat.open(); Webchat.close('nobody'); Webchat.destroy()")
    expected = ["ready", "open", "close", "open", "close", "destroy"]
    assert page.evaluate("seen") == [name + webchat.pk for name in expected]
    page.evaluate(f"Webchat.load('{webchat.pk}')")
    visit.open()


def test_it_opens_at_once_if_it_was_asked_before_it_was_there(visit_with: Any) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_with(webchat)
    expect(visit.launcher).to_be_visible()
    visit.page.evaluate(f"Webchat.destroy(); Webchat.load('{webchat.pk}'); Webchat.open()")
    visit.wait_for_focus()


def test_a_widget_thrown_out_by_the_page_comes_back_when_it_is_opened(visit_with: Any) -> None:
    visit = visit_with(factories.WebchatFactory.create())
    visit.open()
    visit.page.evaluate("document.querySelector('webchat-widget').remove(); Webchat.open()")
    visit.wait_for_focus()
    visit.page.keyboard.press("Escape")
    expect(visit.dialog).to_be_hidden()


def test_a_service_that_is_down_leaves_the_page_untouched(
    visit_with: Any, customer_page: Any, sites: CustomerSites, visitor: Visitor
) -> None:
    # The loader is still in the browser's or a network's cache; the service behind it is gone.
    gone = f"http://localhost:{sites.port}/gone"
    sites.pages["/gone/embed.js"] = (LOADER.read_text(), {"Content-Type": "text/javascript"})
    html = (
        "<!DOCTYPE html><title>Shop</title><body><h1>Shop</h1>"
        f'<script src="{gone}/embed.js" data-webchat="{"0" * 24}"></script>'
    )
    visit = visitor(sites.serve(html))
    visit.page.wait_for_load_state("networkidle")
    assert visit.page.locator("html > *").evaluate_all("all => all.map(e => e.localName)") == [
        "head",
        "body",
    ]
    assert len([line for line in visit.console if line.startswith("Webchat")]) == 1
    assert not [line for line in visit.console if line.startswith("uncaught")]


def test_a_frame_that_never_answers_is_closed_and_can_be_tried_again(visit_with: Any) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_with(webchat, options=CALM)
    expect(visit.launcher).to_be_visible()
    address = f"**/widget/{webchat.pk}"
    # Between the visitor and the service stands something that answers in its place.
    visit.page.route(address, lambda route: route.fulfill(body="<h1>Log in to the network</h1>"))
    visit.page.clock.install()
    visit.launcher.click()
    expect(visit.frame.get_by_text("Log in to the network")).to_be_visible()
    visit.page.clock.fast_forward(14_000)
    expect(visit.dialog).to_be_visible()
    visit.page.clock.fast_forward(2_000)
    expect(visit.dialog).to_be_hidden()
    expect(visit.page.locator("webchat-widget iframe")).to_have_count(0)
    expect(visit.launcher).to_be_visible()
    assert visit.console == [f"Webchat {webchat.pk}: the panel did not load"]
    visit.page.unroute(address)
    visit.open()
    visit.page.clock.fast_forward(20_000)
    expect(visit.dialog).to_be_visible()


def test_what_took_the_frames_place_on_another_origin_is_told_nothing(
    visit_with: Any, sites: CustomerSites
) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_with(webchat, options=CALM)
    other = sites.serve(
        "<p>Listening</p><script>addEventListener('message', () =>"
        " { document.querySelector('p').textContent = 'Told' })</script>",
        host="evil.test",
    )
    visit.open()
    visit.page.evaluate(
        """address => new Promise(done => {
          const { shadowRoot } = document.querySelector("webchat-widget");
          const frame = shadowRoot.querySelector("iframe");
          // After the loader's own handler, and after a message would have come.
          frame.addEventListener("load", () => setTimeout(done, 300));
          frame.contentWindow.location = address;
        })""",
        other,
    )
    expect(visit.frame.get_by_text("Listening")).to_be_visible()


def test_the_frame_hears_the_first_handshake_of_its_own_page_only(visit_with: Any) -> None:
    webchat = factories.WebchatFactory.create()
    visit = visit_with(webchat, options=CALM)
    visit.open()
    answers = visit.page.evaluate(
        """id => new Promise(tell => {
          const frame = document.querySelector("webchat-widget").shadowRoot.querySelector("iframe");
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => tell(data);
          frame.contentWindow.postMessage({ webchat: id, dir: "rtl" }, "*", [port2]);
          setTimeout(() => tell("nothing"), 500);
        })""",
        webchat.pk,
    )
    assert answers == "nothing"
    expect(visit.frame.locator("html")).to_have_attribute("dir", "ltr")


#: What no row can hold, as a broken or evil answer would say it, and what is made of it.
HOSTILE_VALUES: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "too large": ({"zIndex": 1e300, "offsetX": 1e9, "offsetY": 201}, ("2147483647", "200", "200")),
    "too small": ({"zIndex": -5, "offsetX": -1e9, "offsetY": -1}, ("1", "0", "0")),
    "broken": ({"zIndex": 1.4, "offsetX": 10.6, "offsetY": 199.9}, ("1", "11", "200")),
    "no numbers": (
        {"zIndex": "1}*{all:unset", "offsetX": "calc(9px)", "offsetY": [7]},
        ("9999", "24", "24"),
    ),
    "nothing": ({"zIndex": None, "offsetX": None, "offsetY": None}, ("9999", "24", "24")),
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


@pytest.mark.parametrize("values", HOSTILE_VALUES)
def test_values_out_of_bounds_are_brought_back_by_the_loader(
    sites: CustomerSites, customer_page: Any, visitor: Visitor, live_server: Any, values: str
) -> None:
    sent, (z_index, right, bottom) = HOSTILE_VALUES[values]
    webchat = factories.WebchatFactory.create()
    visit = visitor(sites.serve("<!DOCTYPE html>"))

    def evil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), **sent})

    visit.page.route("**/config", evil)
    visit.page.goto(sites.serve(customer_page(webchat)))
    expect(visit.launcher).to_be_visible()
    expect(visit.page.locator("webchat-widget")).to_have_css("z-index", z_index)
    expect(visit.launcher).to_have_css("right", f"{right}px")
    expect(visit.launcher).to_have_css("bottom", f"{bottom}px")
    expect(visit.launcher).to_have_css("background-color", "rgb(31, 41, 55)")
    visit.open()
    assert not [url for url in visit.requests if "evil" in url]


# --- What the texts hold, and what it all weighs ---


@pytest.mark.parametrize("text", HOSTILE, ids=["script", "img", "bidi", "emoji", "long"])
def test_a_hostile_text_is_text(visit_with: Any, text: str) -> None:
    webchat = factories.WebchatFactory.create(
        starter_message=text, status_text=text[:200], csat_thank_you_message=text[:500]
    )
    webchat.organization.assistant_name = text[:120]
    webchat.organization.save()
    visit = visit_with(webchat, options=PHONE)
    visit.open()
    texts = "p => p.textContent"
    assert visit.frame.locator(".message").evaluate(texts) == text
    assert visit.frame.locator(".status").evaluate(texts) == text[:200]
    assert visit.frame.locator("h1").evaluate(texts) == text[:120]
    assert visit.launcher.get_attribute("aria-label") == "Chat: " + text[:120]
    assert visit.page.title() == "Shop"
    assert visit.frame.locator("html").evaluate("html => html.scrollWidth") == 320
    assert visit.frame.locator("img, script:not([id]):not([src])").count() == 0
    assert visit.console == []


def test_it_is_light_and_leaves_nothing_behind(visit_with: Any) -> None:
    bodies: dict[str, bytes] = {}
    visit = visit_with(
        factories.WebchatFactory.create(starter_message="Hi! " * 20, status_text="Within minutes")
    )
    visit.page.context.on("response", lambda answer: bodies.setdefault(answer.url, answer.body()))
    visit.page.reload()
    expect(visit.launcher).to_be_visible()
    visit.page.wait_for_load_state("networkidle")
    ours = [url for url in bodies if "localhost" in url]
    assert [url.rsplit("/", 1)[1] for url in ours] == ["embed.js", "config"]
    visit.open()
    visit.page.wait_for_load_state("networkidle")
    weights = {url: len(gzip.compress(body)) for url, body in bodies.items() if "localhost" in url}
    print(weights)
    assert len(weights) == 5
    assert next(size for url, size in weights.items() if "embed" in url) <= 4 * 1024
    assert sum(weights.values()) <= 20 * 1024
    assert visit.page.context.cookies() == []
    stored = "() => [localStorage.length, sessionStorage.length, document.cookie]"
    assert visit.page.evaluate(stored) == [0, 0, ""]
    # What a frame of another site may store at all is the browser's choice: it may be nothing.
    inside = visit.frame.locator("html").evaluate(
        "() => { try { return localStorage.length + sessionStorage.length } catch { return 0 } }"
    )
    assert inside == 0


def png() -> io.BytesIO:
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "#D97706").save(picture, "PNG")
    picture.seek(0)
    return picture


@pytest.mark.parametrize("whose", ["webchat", "organization"])
def test_the_icon_is_the_webchats_or_else_the_organizations(visit_with: Any, whose: str) -> None:
    webchat = factories.WebchatFactory.create()
    key = store_icon(webchat.organization_id)
    if whose == "webchat":
        Webchat.objects.update(icon=key)
    else:
        Organization.objects.update(default_icon=key)
    visit = visit_with(webchat)
    expect(visit.launcher.locator("img")).to_be_visible()
    visit.open()
    drawn = "image => image.decode().then(() => image.naturalWidth)"
    assert visit.frame.locator("img").evaluate(drawn) == 64
    assert visit.console == []


def test_an_icon_that_cannot_be_had_leaves_the_glyph(visit_with: Any) -> None:
    webchat = factories.WebchatFactory.create()
    key = store_icon(webchat.organization_id)
    Webchat.objects.update(icon=key)
    icon_storage().delete(key)
    visit = visit_with(webchat)
    visit.open()
    assert visit.launcher.locator("img").count() == 0
    expect(visit.frame.locator("img")).to_have_count(0)
