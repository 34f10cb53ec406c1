"""The launcher and the panel: keyboard, focus, sizes, positions, the visitor's preferences."""

from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, expect

from tests.browser.conftest import PHONE, REDUCED_MOTION, WidgetVisit
from tests.support import factories

pytestmark = pytest.mark.usefixtures("live_server")


def get_box(locator: Locator) -> FloatRect:
    """Return the position and size of a visible element."""
    box = locator.bounding_box()
    assert box is not None
    return box


# --- Keyboard and focus ---


def test_the_panel_is_usable_with_the_keyboard_alone(visit_widget: WidgetVisit) -> None:
    visit = visit_widget(factories.WebchatFactory.create(starter_message="line\n" * 100))
    expect(visit.launcher).to_have_attribute("aria-expanded", "false")
    visit.page.keyboard.press("Tab")
    expect(visit.launcher).to_be_focused()
    visit.page.keyboard.press("Enter")
    visit.wait_for_focus()
    expect(visit.launcher).to_have_attribute("aria-expanded", "true")
    log = visit.frame.get_by_role("log")
    visit.page.keyboard.press("Shift+Tab")
    expect(log).to_be_focused()
    visit.page.keyboard.press("Home")
    visit.frame.locator("#log").evaluate(
        "log => new Promise(resolve => { const check = () => "
        "log.scrollTop === 0 ? resolve() : requestAnimationFrame(check); check(); })"
    )
    visit.page.keyboard.press("Escape")
    expect(visit.dialog).not_to_have_attribute("open", "")
    expect(visit.launcher).to_be_focused()


def test_the_frames_button_closes_the_panel(visit_widget: WidgetVisit) -> None:
    visit = visit_widget(factories.WebchatFactory.create())
    visit.open_widget()
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Enter")
    expect(visit.dialog).to_be_hidden()
    expect(visit.launcher).to_be_focused()


def test_only_keyboard_users_see_the_focus_ring(visit_widget: WidgetVisit) -> None:
    # With a mouse the focus is on the composer, whose border always shows it.
    visit = visit_widget(factories.WebchatFactory.create(), options=PHONE)
    outline = "log => getComputedStyle(log).outlineStyle"
    visit.open_widget()
    assert visit.frame.locator("#log").evaluate(outline) == "none"
    visit.page.keyboard.press("Shift")
    assert visit.frame.locator("#log").evaluate(outline) == "solid"
    visit.page.keyboard.press("Escape")
    expect(visit.launcher).to_be_focused()
    visit.page.keyboard.press("Enter")
    visit.wait_for_focus()
    assert visit.frame.locator("#log").evaluate(outline) == "solid"


def test_escape_on_the_launcher_closes_the_panel(visit_widget: WidgetVisit) -> None:
    visit = visit_widget(factories.WebchatFactory.create())
    visit.open_widget()
    visit.launcher.focus()
    visit.page.keyboard.press("Escape")
    expect(visit.dialog).to_be_hidden()
    expect(visit.launcher).to_be_focused()


def test_focus_returns_to_the_element_that_opened_the_panel(visit_widget: WidgetVisit) -> None:
    more = "<button onclick='Webchat.open()'>Help</button>"
    visit = visit_widget(factories.WebchatFactory.create(), more=more)
    expect(visit.launcher).to_be_visible()
    help_button = visit.page.get_by_role("button", name="Help")
    help_button.click()
    visit.wait_for_focus()
    visit.page.keyboard.press("Escape")
    expect(help_button).to_be_focused()


# --- Sizes and positions ---


def test_buttons_are_at_least_44_pixels_wide_and_high(visit_widget: WidgetVisit) -> None:
    visit = visit_widget(factories.WebchatFactory.create())
    visit.open_widget()
    for button in (visit.launcher, *visit.frame.get_by_role("button").all()):
        box = get_box(button)
        assert min(box["width"], box["height"]) >= 44


@pytest.mark.parametrize("position", ["bottom-right", "top-left"])
def test_the_panel_fills_the_screen_of_a_phone(visit_widget: WidgetVisit, position: str) -> None:
    webchat = factories.WebchatFactory.create(position=position, offset_x=200)
    visit = visit_widget(webchat, options=PHONE | REDUCED_MOTION)
    assert 0 <= get_box(visit.launcher)["x"] <= 320 - 56
    visit.open_widget()
    expect(visit.page.locator("webchat-widget dialog:modal")).to_have_count(1)
    assert get_box(visit.dialog) == {"x": 0, "y": 0, "width": 320, "height": 568}
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
    visit.frame.get_by_role("button", name="Close chat").tap()
    expect(visit.dialog).to_be_hidden()
    expect(visit.launcher).to_be_focused()


@pytest.mark.parametrize("position", ["bottom-left", "top-right"])
def test_the_panel_is_inside_the_window_in_its_corner(
    visit_widget: WidgetVisit, position: str
) -> None:
    webchat = factories.WebchatFactory.create(position=position, offset_x=40, offset_y=50)
    visit = visit_widget(webchat, options=REDUCED_MOTION)
    visit.open_widget()
    button, panel = get_box(visit.launcher), get_box(visit.dialog)
    y, x = position.split("-")
    assert button["x"] == (40 if x == "left" else 1280 - 40 - 56)
    assert button["y"] == (50 if y == "top" else 800 - 50 - 56)
    assert panel["y"] >= 0
    assert panel["y"] + panel["height"] <= 800
    assert panel["x"] == (40 if x == "left" else 1280 - 40 - 384)


def test_the_panel_respects_the_safe_area_insets_of_a_phone(visit_widget: WidgetVisit) -> None:
    visit = visit_widget(factories.WebchatFactory.create(), options=PHONE | REDUCED_MOTION)
    insets = {"top": 44, "bottom": 34, "left": 0, "right": 0}
    devtools = visit.page.context.new_cdp_session(visit.page)
    devtools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    visit.open_widget()
    box = get_box(visit.page.locator("webchat-widget iframe"))
    assert box == {"x": 0, "y": 44, "width": 320, "height": 568 - 44 - 34}


# --- Preferences of the visitor ---


def test_text_of_200_percent_is_readable(visit_widget: WidgetVisit) -> None:
    webchat = factories.WebchatFactory.create(
        starter_message="Hello " * 20, status_text="word " * 30
    )
    visit = visit_widget(webchat, options=PHONE)
    visit.open_widget()
    visit.frame.locator("html").evaluate("html => html.style.fontSize = '200%'")
    sizes = visit.frame.locator("html").evaluate(
        "html => ({page: html.scrollWidth, log: log.scrollWidth - log.clientWidth,"
        " height: log.clientHeight, font: parseFloat(getComputedStyle(log).fontSize)})"
    )
    assert sizes["font"] == 32
    assert (sizes["page"], sizes["log"]) == (320, 0)
    visit.frame.get_by_text("Hello").scroll_into_view_if_needed()
    expect(visit.frame.get_by_text("Hello")).to_be_in_viewport()
    expect(visit.frame.get_by_role("button", name="Close chat")).to_be_visible()


def test_the_panel_follows_the_direction_and_language_of_the_page(
    visit_widget: WidgetVisit,
) -> None:
    webchat = factories.WebchatFactory.create(starter_message="مرحبا")
    visit = visit_widget(webchat, attributes='dir="rtl" data-x')
    visit.page.evaluate("document.documentElement.lang = 'ar'")
    visit.open_widget()
    expect(visit.frame.locator("html")).to_have_attribute("dir", "rtl")
    expect(visit.frame.locator("#greeting")).to_have_text("مرحبا")
    expect(visit.frame.locator("#greeting")).to_have_attribute("lang", "ar")
    title, close = visit.frame.get_by_role("heading"), visit.frame.locator("#close")
    assert get_box(close)["x"] < get_box(title)["x"]


def test_reduced_motion_disables_animations(visit_widget: WidgetVisit) -> None:
    webchat: Any = factories.WebchatFactory.create(starter_message="Hi")
    visit = visit_widget(webchat, options=REDUCED_MOTION)
    visit.open_widget()
    animations = "element => element.getAnimations({subtree: true}).length"
    durations = "element => getComputedStyle(element).transitionDuration"
    assert visit.dialog.evaluate(animations) == 0
    assert visit.dialog.evaluate(durations) == "0s"
    assert visit.frame.locator("html").evaluate(animations) == 0
    animated = visit_widget(webchat)
    animated.open_widget()
    assert animated.dialog.evaluate(durations) != "0s"


def test_forced_colors_draw_borders(visit_widget: WidgetVisit) -> None:
    options = {**REDUCED_MOTION, "forced_colors": "active"}
    visit = visit_widget(factories.WebchatFactory.create(), options=options)
    visit.open_widget()
    for element in (visit.launcher, visit.dialog):
        expect(element).to_have_css("border-top-style", "solid")
        expect(element).to_have_css("border-top-width", "1px")
