"""Alerts of the inbox: a dot on the icon, a sound and a notification while nobody looks."""

from typing import Any

from playwright.sync_api import Page, expect

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_inbox import shop, write
from webchats.conversations.models import Conversation
from webchats.models import Webchat

__all__ = ["shop"]

#: Records what the browser would play and show, and hides the page on request.
RECORD = """() => {
  window.played = 0;
  window.shown = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...times) {
    window.played += 1;
    start.apply(this, times);
  };
  window.Notification = class extends EventTarget {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, { body, tag }) { super(); window.shown.push([title, body, tag]); }
    close() {}
  };
}"""
HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def receive(page: Page, conversation: Conversation, **values: Any) -> None:
    """Report a change of the conversation as the stream does."""
    document = {
        "_id": conversation.pk,
        "state": "open",
        "handler": "waiting",
        "assigneeId": None,
        "contact": {"name": "Grace", "email": ""},
        "lastMessage": {"author": "visitor", "text": "Hello <b>you</b>"},
        "lastMessageAt": conversation.last_message_at.isoformat(),
    }
    page.evaluate(
        """(data) => document.dispatchEvent(
          new CustomEvent("inbox:event", { detail: { type: "conversation", data } }))""",
        document | values,
    )


def test_an_unseen_message_alerts_once(
    admin_page: Visitor, ada: User, shop: Webchat, settings: Any
) -> None:
    settings.EMAIL_ENABLED = True
    conversation = write(shop, "Grace", "Hello")
    other = write(shop, "Hedy", "Hello")
    visit = admin_page("/admin/inbox/", **REDUCED_MOTION)
    page = visit.page
    assert "mark_waiting" in str(page.locator("link[rel=icon]").get_attribute("href"))
    page.evaluate(RECORD)
    page.get_by_role("button", name="Alerts").click()
    page.get_by_label("Play a sound").check()
    page.get_by_label("Show a notification").check()
    assert violations(page) == []
    # The choice is confirmed by the sound: two tones.
    assert page.evaluate("window.played") == 2
    receive(page, conversation)
    assert page.evaluate("window.shown") == []
    page.evaluate(HIDE)
    for values in (
        {"assigneeId": "f" * 24},
        {"handler": "ai"},
        {"state": "closed"},
        {"lastMessage": {"author": "rep", "text": "Hi"}},
        {"lastMessageAt": "2020-01-01T00:00:00Z"},
    ):
        receive(page, conversation, **values)
    assert page.evaluate("window.shown") == []
    receive(page, conversation)
    receive(page, conversation)
    receive(page, other, assigneeId=ada.pk)
    assert page.evaluate("window.shown") == [
        ["Grace", "Hello <b>you</b>", conversation.pk],
        ["Grace", "Hello <b>you</b>", other.pk],
    ]
    assert page.evaluate("window.played") == 6
    page.evaluate("Notification.permission = 'denied'")
    page.get_by_label("Show a notification").uncheck()
    page.get_by_label("Show a notification").click()
    expect(page.get_by_label("Show a notification")).not_to_be_checked()
    expect(page.get_by_text("The browser blocks notifications of this site.")).to_be_visible()
    page.get_by_role("link", name="Inbox settings").click()
    expect(page.get_by_label("Play a sound")).to_be_checked()
    assert visit.problems == []
    assert violations(page) == []
    # The messages that axe-core causes.
    visit.console.clear()
    page.get_by_label("E-mail me when visitors wait").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your settings are saved.")).to_be_visible()
    expect(page.get_by_label("E-mail me when visitors wait")).not_to_be_checked()
    assert visit.problems == []
