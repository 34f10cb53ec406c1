"""The inbox on a phone by touch alone: pages, history, keyboard, and the size of targets."""

import os
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_inbox import INBOX, shop, write
from tests.browser.test_inbox_team import kim
from tests.support import factories
from webchats.conversations.models import Conversation, Note
from webchats.models import Webchat

__all__ = ["kim", "shop"]

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 760},
    "has_touch": True,
    "is_mobile": True,
    **REDUCED_MOTION,
}
#: The same for each. ``CONVERSATIONS=10`` in the environment checks ten.
CONVERSATIONS = int(os.environ.get("CONVERSATIONS", "2"))
#: What a finger could miss. A label belongs to its input, and links within a text are exempt.
SMALL_TARGETS = """() => {
  const isSmall = ({ width, height }) => width < 44 || height < 44;
  return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((each) => each.checkVisibility() && !each.matches(".text a, .skip-to-content-link"))
    .filter((each) => [each, ...each.labels ?? []].every(
      (target) => isSmall(target.getBoundingClientRect())))
    .map(({ outerHTML }) => outerHTML.slice(0, 100));
}"""

#: What a keyboard does that covers the page.
COVER = """() => {
  Object.defineProperty(visualViewport, "height", { value: 380 });
  visualViewport.dispatchEvent(new Event("resize"));
}"""


def check(page: Page) -> None:
    """Check a page: accessible, no wider than the phone, and with targets of 44 pixels."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(SMALL_TARGETS) == []


def test_conversations_are_answered_annotated_assigned_and_closed_by_touch(
    admin_page: Visitor, kim: User, shop: Webchat
) -> None:
    for number in range(CONVERSATIONS):
        write(shop, f"Visitor {number}", "Hello")
    visit = admin_page(INBOX, **PHONE)
    page = visit.page
    text = page.get_by_label("Message", exact=True)
    for number in range(CONVERSATIONS):
        page.locator(".row").first.tap()
        expect(page.locator("#thread-title")).to_be_focused()
        text.tap()
        page.keyboard.insert_text(f"Answer {number}")
        page.get_by_role("button", name="Send").tap()
        expect(page.locator(".entry-rep .text")).to_have_text(f"Answer {number}")
        page.locator(".modes label", has_text="Note").tap()
        text.tap()
        page.keyboard.insert_text("Remember")
        page.get_by_role("button", name="Add note").tap()
        expect(page.locator(".entry-note")).to_have_count(1)
        page.locator(".assignee").tap()
        page.locator(".menu").get_by_role("button", name="Kim Rivera").tap()
        expect(page.locator(".assignee")).to_contain_text("Kim Rivera")
        page.get_by_role("button", name="Close", exact=True).tap()
        expect(page.get_by_role("button", name="Reopen", exact=True)).to_be_visible()
        page.get_by_role("link", name="Inbox", exact=True).tap()
        expect(page.locator(".row")).to_have_count(CONVERSATIONS - number - 1)
    closed = Conversation.objects.closed().filter(assignee=kim, first_reply_at__isnull=False)
    assert (closed.count(), Note.objects.count()) == (CONVERSATIONS, CONVERSATIONS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.problems == []


def test_list_thread_and_contact_are_pages_of_a_phone(
    admin_page: Visitor, shop: Webchat, live_server: LiveServer
) -> None:
    names = ["Grace", "Hedy", "Joan", "Mary", "Ruth", "Jean", "Betty", "Frances", "Kay"]
    rows = [write(shop, name, "w" * 600) for name in names]
    write(shop, "Grace", "https://example.com/" + "w" * 600)
    factories.DraftFactory.create(conversation=rows[0])
    visit = admin_page(INBOX, **PHONE, color_scheme="dark")
    page = visit.page
    steps = page.evaluate("history.length")
    expect(page.locator(".thread")).to_be_hidden()
    check(page)
    page.get_by_role("link", name="Filters").tap()
    expect(page.get_by_role("button", name="Save view")).to_be_attached()
    check(page)
    page.get_by_role("link", name="Filters").tap()
    expect(page.locator("#filters")).to_have_count(0)
    # The list, a thread and its contact, each with an address.
    last = page.locator(f"#row-{rows[1].pk}")
    last.scroll_into_view_if_needed()
    scrolled = page.evaluate("document.querySelector('#rows').scrollTop")
    assert scrolled > 0
    last.tap()
    expect(page.locator(".list")).to_be_hidden()
    expect(page).to_have_url(re.compile(rf"/{rows[1].pk}/\?state=open$"))
    page.get_by_role("link", name="Contact", exact=True).tap()
    expect(page.locator("#contact-title")).to_be_focused()
    expect(page).to_have_url(re.compile(rf"/{rows[1].pk}/\?state=open&panel=contact$"))
    expect(page.locator(".thread")).to_be_hidden()
    expect(page.get_by_role("link", name="visitor@example.com")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Edit").tap()
    check(page)
    page.get_by_label("Name").fill("Hedy L")
    page.get_by_role("button", name="Save").tap()
    expect(page.locator("#contact-title")).to_have_text("Hedy L")
    # A link back is the browser's step back.
    page.get_by_role("link", name="Conversation", exact=True).tap()
    expect(page.locator("#thread-title")).to_have_text("Hedy L")
    expect(page.locator(".contact")).to_be_hidden()
    page.go_forward()
    expect(page.locator("#contact-title")).to_be_visible()
    page.go_back()
    expect(page.locator("#thread-title")).to_be_focused()
    page.get_by_role("link", name="Inbox", exact=True).tap()
    expect(last).to_be_focused()
    # Nor did an update of the page add a step.
    assert page.evaluate("history.length") == steps + 2
    assert page.evaluate("document.querySelector('#rows').scrollTop") == scrolled
    # A page that was opened by its address has no step back.
    page.goto(f"{live_server.url}/admin/inbox/{rows[0].pk}/?state=open&panel=contact")
    page.get_by_role("link", name="Conversation", exact=True).tap()
    expect(page.locator(".draft")).to_be_visible()
    page.locator(".assignee").tap()
    check(page)
    page.locator(".assignee").tap()
    # Why the draft was not sent is not shown any more after it was rejected.
    page.get_by_role("textbox", name="Answer").fill(" ")
    page.get_by_role("button", name="Approve and send").tap()
    expect(page.locator(".refusal")).to_contain_text("The answer is empty.")
    page.get_by_text("Reject…").tap()
    page.get_by_role("button", name="Reject, a person answers").tap()
    page.get_by_text("Show the draft").tap()
    expect(page.locator(".refusal")).to_be_empty()
    page.emulate_media(color_scheme="light")
    # The keyboard takes the lower half of the screen.
    page.get_by_label("Message", exact=True).fill("Hi")
    page.locator(".modes label", has_text="Note").tap()
    page.set_viewport_size({"width": 390, "height": 400})
    expect(page.locator(".thread-actions")).to_be_hidden()
    expect(page.get_by_role("button", name="Add note")).to_be_in_viewport(ratio=1)
    expect(page.locator("#thread-title")).to_be_in_viewport(ratio=1)
    messages = page.locator(".log-scroll").bounding_box()
    assert messages
    assert messages["height"] > 60
    check(page)
    # Safari lays it over the page instead.
    page.set_viewport_size({"width": 390, "height": 760})
    expect(page.locator(".thread-actions")).to_be_visible()
    page.evaluate(COVER)
    expect(page.locator(".thread-actions")).to_be_hidden()
    box = page.get_by_role("button", name="Add note").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 380
    page.reload()
    panes = [page.locator(pane) for pane in (".list", ".thread", ".contact")]
    for width, shown in ((1200, [True, True, True]), (800, [True, True, False])):
        page.set_viewport_size({"width": width, "height": 760})
        assert [pane.is_visible() for pane in panes] == shown
    page.get_by_role("link", name="Contact", exact=True).tap()
    expect(panes[2]).to_be_visible()
    assert [pane.is_visible() for pane in panes] == [False, True, True]
    assert [line for line in visit.problems if "422" not in line] == []
