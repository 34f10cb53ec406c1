"""Lists of the admin site in a browser: filters, the menu of a row, short rows on a phone."""

from playwright.sync_api import Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_admin_form import LIST
from tests.support import factories
from webchats.models import Webchat

DESKTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)


def create_webchats(user: User) -> None:
    """Create two webchats with long texts in all columns."""
    prompt = factories.PromptFactory.create(organization=user.organization, name="Friendly advisor")
    pipeline = factories.PipelineFactory.create(
        organization=user.organization, name="Customer care"
    )
    for number in range(2):
        factories.WebchatFactory.create(
            user=user,
            name=f"Landing page {number} of the spring campaign",
            prompt=prompt,
            pipeline=pipeline,
            is_autopilot=True,
            allowed_domains=["https://long-subdomain.of-the-campaign.example", "b.example"],
        )


def hidden_width(page: Page) -> int:
    """Return how many pixels of the table are cut off."""
    script = "element => element.scrollWidth - element.clientWidth"
    width: int = page.locator(".results").evaluate(script)
    return width


def test_open_filters_do_not_move_their_button_or_cut_the_list(
    admin_page: Visitor, live_server: LiveServer, ada: User
) -> None:
    create_webchats(ada)
    visit = admin_page(LIST, **REDUCED_MOTION)
    page = visit.page
    for viewport in (DESKTOP, PHONE):
        page.set_viewport_size(viewport)
        page.goto(live_server.url + LIST)
        button = page.get_by_role("button", name="Filters")
        before = button.bounding_box()
        button.click()
        expect(page.get_by_role("link", name="Not in the last 30 days")).to_be_visible()
        assert button.bounding_box() == before
        assert hidden_width(page) == 0
        assert violations(page) == []
    page.get_by_role("link", name="Never").click()
    page.get_by_role("link", name="Last loaded: Never").click()
    expect(page.get_by_role("link", name="Last loaded: Never")).to_have_count(0)
    assert visit.problems == []


def test_the_menu_of_a_row_copies_the_snippet_and_disables_the_webchat(
    admin_page: Visitor, ada: User
) -> None:
    create_webchats(ada)
    visit = admin_page(LIST, permissions=["clipboard-read", "clipboard-write"], **REDUCED_MOTION)
    page = visit.page
    webchat = Webchat.objects.get(name__contains="page 1")
    menu = page.get_by_role("button", name=f"Menu of {webchat}")
    menu.click()
    assert violations(page) == []
    page.get_by_role("button", name="Copy snippet").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f'data-webchat="{webchat.pk}"' in copied
    page.keyboard.press("Escape")
    expect(page.locator(".row-menu:popover-open")).to_have_count(0)
    menu.click()
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_text("1 webchat disabled.")).to_be_visible()
    assert list(Webchat.objects.enabled()) != []
    webchat.refresh_from_db()
    assert not webchat.is_enabled
    assert visit.problems == []


def test_on_a_phone_rows_of_the_list_are_short(
    admin_page: Visitor, live_server: LiveServer, ada: User
) -> None:
    create_webchats(ada)
    page = admin_page(LIST, viewport=PHONE).page
    heights = page.locator("#result_list tbody tr").evaluate_all(
        "rows => rows.map(row => row.offsetHeight)"
    )
    assert max(heights) <= 180
    page.goto(f"{live_server.url}/admin/")
    assert violations(page) == []
