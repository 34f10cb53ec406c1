"""Two representatives in the inbox at the same time, in two browsers."""

from time import monotonic

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visit, Visitor, authenticated
from tests.browser.test_inbox import INBOX, refresh, streams, use_streams, write
from tests.support import factories
from webchats.conversations import presence
from webchats.models import Webchat

__all__ = ["streams"]

#: Seconds instead of 40, after which a browser that has crashed counts as gone.
EXPIRY_SECONDS = 3


@pytest.fixture
def kim(ada: User) -> User:
    """A colleague of Ada."""
    return factories.UserFactory.create(
        organization=ada.organization, full_name="Kim Rivera", access_role="SALES_REP"
    )


@pytest.fixture(autouse=True)
def _short_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "EXPIRY_SECONDS", EXPIRY_SECONDS)


def open_inbox(visitor: Visitor, live_server: LiveServer, streams: str, user: User) -> Visit:
    """Open the inbox in a browser of its own, with the stream."""
    visit = authenticated(visitor, live_server, user)("/admin/", **REDUCED_MOTION)
    use_streams(visit, streams)
    with visit.page.expect_response("**/live/organization"):
        visit.page.goto(live_server.url + INBOX)
    return visit


def send_late(first: Page, second: Page) -> None:
    """Answer as Ada while Kim writes, and let Kim send their answer anyway, by keys alone."""
    first.get_by_label("Message", exact=True).fill("I have two")
    first.keyboard.press("Enter")
    answers = second.locator(".entry-rep .text")
    expect(answers).to_have_text("I have two")
    second.keyboard.press("Enter")
    alert = second.get_by_role("alert").filter(has_text="Ada answered meanwhile.")
    expect(alert).to_be_focused()
    expect(alert.locator("blockquote")).to_have_text("I have two")
    text = second.get_by_label("Message", exact=True)
    expect(text).to_have_value("Late")
    assert violations(second) == []
    # Updates leave it, and its keys are no shortcuts: this one would close the conversation.
    refresh(second)
    expect(alert).to_be_focused()
    second.keyboard.press("e")
    second.keyboard.press("Tab")
    expect(second.get_by_role("button", name="Send anyway")).to_be_focused()
    second.keyboard.press("Enter")
    expect(answers).to_have_text(["I have two", "Late"])
    expect(alert).to_have_count(0)
    expect(text).to_be_focused()
    expect(text).to_have_value("")


def test_colleagues_see_each_other_and_each_others_answers_until_a_browser_crashes(
    visitor: Visitor, live_server: LiveServer, streams: str, ada: User, kim: User
) -> None:
    shop = factories.WebchatFactory.create(user=ada, name="Shop")
    conversation = write(shop, "Grace", "Hello")
    first = open_inbox(visitor, live_server, streams, ada)
    second = open_inbox(visitor, live_server, streams, kim)
    row = first.page.locator(f"#team-row-{conversation.pk}")
    started = monotonic()
    second.page.locator(".row").click()
    expect(row).to_have_text("Kim is here", timeout=2000)
    first.page.locator(".row").click()
    head = first.page.locator(f"#team-{conversation.pk}")
    expect(head).to_have_text("Kim is here")
    expect(second.page.locator(f"#team-{conversation.pk}")).to_have_text("Ada is here")
    text = second.page.get_by_label("Message", exact=True)
    text.press_sequentially("Late")
    expect(head).to_have_text("Kim is replying…", timeout=2000)
    expect(row).to_have_text("Kim is replying…")
    assert violations(first.page) == []
    send_late(first.page, second.page)
    with second.page.expect_response("**/unsent-text/"):
        text.press_sequentially("Half")
    expect(head).to_have_text("Kim is replying…", timeout=2000)
    # It outlasts the expiry, by heartbeats.
    first.page.wait_for_timeout(max(0, EXPIRY_SECONDS + 1 - (monotonic() - started)) * 1000)
    expect(head).to_have_text("Kim is replying…")
    # They also notice that the webchat is disabled.
    Webchat.objects.update(is_enabled=False)
    hint = first.page.locator(".composer .hint")
    expect(hint).to_contain_text("Shop is disabled", timeout=EXPIRY_SECONDS * 1000)
    # A crash: nothing is sent any more.
    second.page.context.set_offline(True)
    expect(head).to_have_text("", timeout=(EXPIRY_SECONDS + 2) * 1000)
    assert first.problems == []
    # What Kim has written is there in another browser.
    third = authenticated(visitor, live_server, kim)(f"/admin/inbox/{conversation.pk}/").page
    expect(third.get_by_label("Message", exact=True)).to_have_value("Half")
