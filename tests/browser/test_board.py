"""The board of contacts by mouse, menu, keys and touch."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from organizations.models import Stage, User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_inbox_phone import PHONE, check
from tests.support import factories
from webchats.conversations import services
from webchats.conversations.models import Contact, StageMove

pytestmark = pytest.mark.django_db(transaction=True)

BOARD = "/admin/contacts/board/"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1400, "height": 900}, **REDUCED_MOTION}


@pytest.fixture
def stages(ada: User) -> list[Stage]:
    """The stages New, Offer and Won, the first with Anna, Bo and 25 others."""
    pipeline = factories.PipelineFactory.create(organization=ada.organization)
    stages = [
        factories.StageFactory.create(pipeline=pipeline, name=name, position=position)
        for position, name in enumerate(["New", "Offer", "Won"])
    ]
    webchat, now = factories.WebchatFactory.create(user=ada), timezone.now()
    placed = {"pipeline": pipeline, "stage": stages[0], "webchat": webchat}
    for number, name in enumerate(["Anna", "Bo", *(f"Visitor {n}" for n in range(25))]):
        seen = now - timedelta(minutes=number)
        factories.ContactFactory.create(name=name, last_seen_at=seen, **placed)
    return stages


def column(page: Page, name: str) -> Locator:
    return page.locator(".column").filter(has=page.get_by_role("heading", name=name))


def card(page: Page, name: str) -> Locator:
    return page.locator(".board-card").filter(has=page.get_by_role("link", name=name, exact=True))


def expect_counts(page: Page, *counts: int) -> None:
    """Expect the counts of New, Offer and Won."""
    shown = page.locator(".column:not([hidden]) .column-count")
    expect(shown).to_have_text([str(count) for count in counts])


def center(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_cards_are_moved_by_mouse_menu_and_keys(
    admin_page: Visitor, ada: User, stages: list[Stage]
) -> None:
    visit = admin_page(BOARD, **DESKTOP)
    page, status = visit.page, visit.page.get_by_role("status")
    # By mouse. A release is no click on the link of the card.
    page.mouse.move(*center(card(page, "Anna").locator(".card-meta")))
    page.mouse.down()
    page.mouse.move(*center(column(page, "Offer")), steps=4)
    expect(page.locator(".is-target")).to_have_attribute("data-stage", stages[1].pk)
    page.mouse.up()
    expect(status).to_have_text("Anna moved to Offer. Offer has 1 contact.")
    expect_counts(page, 26, 1, 0)
    # By the menu.
    card(page, "Bo").get_by_role("link", name="Move to…").click()
    assert violations(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Won").click()
    expect(status).to_have_text("Bo moved to Won. Won has 1 contact.")
    expect(column(page, "Won").get_by_role("link", name="Bo", exact=True)).to_be_visible()
    # By keys: to the right, with the menu, and back, with the focus on the card.
    card(page, "Visitor 0").locator(".card-name").focus()
    page.keyboard.press("ArrowDown")
    expect(card(page, "Visitor 1").locator(".card-name")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(card(page, "Anna").locator(".card-name")).to_be_focused()
    page.keyboard.press("m")
    expect(page.get_by_role("dialog").get_by_role("button", name="New")).to_be_focused()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Anna moved to New. New has 26 contacts.")
    expect(card(page, "Anna").locator(".card-name, .move-link").first).to_be_focused()
    page.keyboard.press("Shift+ArrowRight")
    expect(status).to_have_text("Anna moved to Offer. Offer has 1 contact.")
    expect_counts(page, 25, 1, 1)
    # A colleague was faster.
    services.move(contact=Contact.objects.get(name="Anna"), stage=stages[2], user=ada)
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.get_by_role("alert")).to_have_text("Ada has moved Anna to Won meanwhile.")
    expect(column(page, "Won").get_by_role("link", name="Anna", exact=True)).to_be_focused()
    expect_counts(page, 25, 0, 2)
    assert StageMove.objects.count() == 5
    # The open board shows what a colleague has moved, and keeps the focus.
    services.move(contact=Contact.objects.get(name="Visitor 3"), stage=stages[1], user=ada)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(column(page, "Offer").get_by_role("link", name="Visitor 3", exact=True)).to_be_visible()
    expect(column(page, "Won").get_by_role("link", name="Anna", exact=True)).to_be_focused()
    expect_counts(page, 24, 1, 2)
    assert [line for line in visit.problems if "409" not in line] == []
    assert violations(page) == []


def test_a_move_that_fails_is_undone_or_made_again_and_more_cards_are_loaded(
    admin_page: Visitor, stages: list[Stage]
) -> None:
    visit = admin_page(BOARD, **DESKTOP)
    page = visit.page
    expect(page.locator(".board-card")).to_have_count(25)
    column(page, "New").get_by_role("link", name="Show more").click()
    expect(page.locator(".board-card")).to_have_count(27)
    expect(card(page, "Visitor 23").locator(".card-name")).to_be_focused()
    expect(page.locator(".more")).to_have_count(0)
    page.route("**/move/", lambda route: route.abort())
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("alert")).to_contain_text("could not be moved")
    expect(column(page, "New").locator(".board-card")).to_have_count(27)
    expect_counts(page, 27, 0, 0)
    assert not StageMove.objects.exists()
    page.unroute("**/move/")
    # A sign-in in another tab has made the form's token invalid.
    invalid = "input => { input.value = 'x'.repeat(64); }"
    page.locator("#move-form [name=csrfmiddlewaretoken]").evaluate(invalid)
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("status")).to_contain_text("moved to Offer")
    # The session has ended.
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_url("**/login/?next=**/board/**")
    assert StageMove.objects.count() == 1


class Finger:
    """One finger on the screen of a phone."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def press(self, x: float, y: float) -> None:
        self._send("touchStart", {"x": x, "y": y})

    def move(self, x: float, y: float) -> None:
        self._send("touchMove", {"x": x, "y": y})

    def lift(self) -> None:
        self._send("touchEnd")

    def _send(self, kind: str, *points: dict[str, float]) -> None:
        arguments = {"type": kind, "touchPoints": list(points)}
        self._session.send("Input.dispatchTouchEvent", arguments)


def test_held_card_is_dragged_and_a_swipe_scrolls(admin_page: Visitor, stages: list[Stage]) -> None:
    page = admin_page(BOARD, **PHONE).page
    finger, status = Finger(page), page.get_by_role("status")
    check(page)
    # A long press, then to the next column, which is visible at the edge.
    x, y = center(card(page, "Bo").locator(".card-meta"))
    finger.press(x, y)
    page.locator(".is-dragged").wait_for()
    finger.move(x + 60, y)
    finger.move(380, y)
    page.locator(f".is-target[data-stage='{stages[1].pk}']").wait_for()
    finger.lift()
    expect(status).to_have_text("Bo moved to Offer. Offer has 1 contact.")
    # The picker and the menu work in any case.
    page.get_by_role("navigation", name="Columns").get_by_role("link", name="New").tap()
    expect(page.get_by_role("link", name="Anna", exact=True)).to_be_in_viewport()
    card(page, "Anna").get_by_role("link", name="Move to…").tap()
    page.get_by_role("dialog").get_by_role("button", name="Won").tap()
    expect(status).to_have_text("Anna moved to Won. Won has 1 contact.")
    x, y = center(card(page, "Visitor 1"))
    finger.press(x, y)
    for distance in range(20, 260, 20):
        finger.move(x, y - distance)
    finger.lift()
    expect(card(page, "Visitor 0")).not_to_be_in_viewport()
    check(page)
    assert StageMove.objects.count() == 2
