"""Web push in Chromium: the control in the inbox, and the service worker.

The push service of the browser cannot be reached in tests, so ``subscribe`` returns a subscription
of the test. The service worker is real. It gets messages as from the browser's push service.
"""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from organizations.ai import addresses
from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.browser.test_inbox import shop, write
from tests.browser.test_inbox_alerts import HIDE
from tests.support.push_service import Device
from webchats.conversations.models import PushSubscription
from webchats.conversations.notifications.vapid import generate_private_key
from webchats.models import Webchat

__all__ = ["shop"]

ENDPOINT = "https://push.test/a"
#: Replaces the connection to the browser's push service.
SUBSCRIBE = """(keys) => {
  const encoded = (text) => Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt());
  let current = null;
  PushManager.prototype.getSubscription = async () => current;
  PushManager.prototype.subscribe = async ({ applicationServerKey: key }) => current = {
    endpoint: "https://push.test/a",
    options: { applicationServerKey: encoded(key).buffer },
    toJSON: () => ({ endpoint: "https://push.test/a", keys }),
    unsubscribe: async () => { current = null; },
  };
}"""
#: Records what would be shown: the headless shell has no notifications.
RECORD = """() => {
  self.shown = [];
  registration.showNotification = async (title, { body, tag }) => shown.push([title, body, tag]);
}"""
GET_SHOWN = """async () => {
  while (!shown.length) await new Promise((resolve) => setTimeout(resolve, 10));
  return shown;
}"""
#: What a click on a notification does. Only a click of a person may move the focus.
CLICK = """async (url) => {
  const calls = [];
  WindowClient.prototype.focus = async function () { calls.push("focus"); return this; };
  WindowClient.prototype.navigate = async function (href) { calls.push(href); return this; };
  clients.openWindow = async (href) => { calls.push("open " + href); };
  await openConversation(url);
  return calls;
}"""


@pytest.fixture(autouse=True)
def _vapid(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAPID_PRIVATE_KEY = generate_private_key()
    settings.VAPID_SUBJECT = "mailto:ops@example.com"
    monkeypatch.setattr(addresses, "resolve", lambda *_: ["93.184.215.14"])


def deliver(page: Page, origin: str, message: dict[str, Any]) -> None:
    """Give a message to the service worker, as the browser does."""
    session = page.context.new_cdp_session(page)
    registrations: list[dict[str, Any]] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    while not registrations:
        page.wait_for_timeout(20)
    values = {"origin": origin, "registrationId": registrations[0]["registrationId"]}
    session.send("ServiceWorker.deliverPushMessage", {**values, "data": json.dumps(message)})


def test_a_device_is_added_notified_and_removed(
    admin_page: Visitor, live_server: LiveServer, ada: User, shop: Webchat
) -> None:
    conversation = write(shop, "Grace", "Hello")
    visit = admin_page("/admin/inbox/", **REDUCED_MOTION, permissions=["notifications"])
    page = visit.page
    page.evaluate(SUBSCRIBE, Device(ENDPOINT).keys)
    page.get_by_role("button", name="Alerts").click()
    page.get_by_label("Notify me on this device").check()
    expect(page.get_by_text("(this device)")).to_be_visible()
    assert violations(page) == []
    assert PushSubscription.objects.get().user == ada
    scope = "navigator.serviceWorker.ready.then(({ scope }) => scope)"
    assert page.evaluate(scope) == f"{live_server.url}/admin/inbox/"

    url = f"/admin/inbox/{conversation.pk}/"
    message = {"title": "Grace · Shop", "text": "Hello <b>", "url": url}
    (worker,) = page.context.service_workers
    worker.evaluate(RECORD)
    deliver(page, live_server.url, {**message, "conversationId": conversation.pk})
    # One tag for each conversation: a later notification replaces the former.
    assert worker.evaluate(GET_SHOWN) == [["Grace · Shop", "Hello <b>", conversation.pk]]

    assert worker.evaluate(CLICK, url) == ["focus", f"{live_server.url}{url}"]
    page.goto(live_server.url + url)
    assert worker.evaluate(CLICK, url) == ["focus"]
    page.goto(live_server.url + "/admin/")
    assert worker.evaluate(CLICK, url) == [f"open {live_server.url}{url}"]

    page.goto(live_server.url + "/admin/inbox/")
    page.get_by_role("button", name="Alerts").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Chrome on Linux")).to_be_hidden()
    assert not PushSubscription.objects.exists()
    # Who sees the inbox is not notified.
    with page.expect_request(lambda request: "tab=was_hidden" in (request.post_data or "")):
        page.evaluate(HIDE)
    assert visit.problems == []
