"""The user's devices for web push: the API, and the pages of the inbox."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from organizations.ai import addresses
from organizations.models import User
from tests.support.clients import log_in, token_client
from tests.support.push_service import Device
from tests.support.threads import run_at_once
from webchats.conversations.models import PushSubscription
from webchats.conversations.models.push_subscription import MAX_SUBSCRIPTIONS
from webchats.conversations.notifications import subscriptions
from webchats.conversations.notifications.subscriptions import describe_device
from webchats.conversations.notifications.vapid import get_public_key

pytestmark = pytest.mark.django_db

URL = "/api/push-subscriptions"
DEVICES = "/admin/inbox/devices/"
FIREFOX = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


@pytest.fixture(autouse=True)
def _public_addresses(monkeypatch: pytest.MonkeyPatch, vapid: None) -> None:
    """Every name has a public address, except for ``internal.test``."""
    private = {"internal.test": ["10.0.0.1"], "127.0.0.1": ["127.0.0.1"]}
    monkeypatch.setattr(addresses, "resolve", lambda host, _: private.get(host, ["93.184.215.14"]))


def subscribe(client: APIClient, endpoint: str = "https://push.test/a", **body: object) -> Any:
    values = {"endpoint": endpoint, "keys": Device(endpoint).keys, **body}
    return client.post(URL, values, headers={"User-Agent": FIREFOX})


def test_a_user_adds_lists_and_removes_devices(rep: User) -> None:
    client = token_client(rep)
    # ``toJSON()`` of browsers has one more member.
    response = subscribe(client, "https://push.test/send?token=a:b", expirationTime=None)
    assert response.status_code == 201, response.content
    document = response.json()["data"]
    assert document["device"] == "Firefox on Android"
    assert set(document) == {"_id", "device", "lastSuccessAt", "createdAt"}
    assert client.get(URL).json() == {
        "data": {"publicKey": get_public_key(), "subscriptions": [document]}
    }
    again = subscribe(client, "https://push.test/send?token=a:b", device="My phone")
    assert again.status_code == 200
    assert again.json()["data"]["_id"] == document["_id"]
    assert again.json()["data"]["device"] == "My phone"
    assert client.delete(f"{URL}/{document['_id']}").status_code == 200
    assert client.get(URL).json()["data"]["subscriptions"] == []


def test_other_users_cannot_see_or_remove_a_device(
    rep: User, admin: User, other_admin: User, superuser: User
) -> None:
    pk = subscribe(token_client(rep)).json()["data"]["_id"]
    for user in (admin, other_admin, superuser):
        client = token_client(user)
        assert client.get(URL).json()["data"]["subscriptions"] == []
        assert client.delete(f"{URL}/{pk}").status_code == 404
        assert log_in(user).post(f"{DEVICES}{pk}/remove/").status_code == 204
    assert PushSubscription.objects.get().user == rep
    assert subscribe(token_client(superuser)).status_code == 403


def test_a_browser_belongs_to_the_user_who_added_it_last(rep: User, other_admin: User) -> None:
    subscribe(token_client(rep))
    assert subscribe(token_client(other_admin)).status_code == 200
    assert PushSubscription.objects.get().user == other_admin


def test_the_oldest_of_too_many_devices_is_removed(rep: User, admin: User) -> None:
    subscribe(token_client(admin), "https://push.test/admin")
    for number in range(MAX_SUBSCRIPTIONS):
        PushSubscription.objects.create(user=rep, endpoint=str(number))
    assert subscribe(token_client(rep), "https://push.test/new").status_code == 201
    own = PushSubscription.objects.filter(user=rep).values_list("endpoint", flat=True)
    kept = {str(number) for number in range(1, MAX_SUBSCRIPTIONS)}
    assert set(own) == {"https://push.test/new", *kept}
    assert PushSubscription.objects.filter(user=admin).count() == 1


@pytest.mark.django_db(transaction=True)
def test_devices_that_are_added_at_once_count_each_other(rep: User) -> None:
    PushSubscription.objects.bulk_create(
        PushSubscription(user=rep, endpoint=str(number)) for number in range(MAX_SUBSCRIPTIONS - 1)
    )
    keys = Device("").keys
    # As many as an organization may look up names at a time.
    run_at_once(
        4,
        lambda n: subscriptions.subscribe(user=rep, endpoint=f"https://push.test/{n}", **keys),
    )
    assert PushSubscription.objects.count() == MAX_SUBSCRIPTIONS


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"endpoint": "http://push.test/a"}, "endpoint"),
        ({"endpoint": "https://internal.test/a"}, "endpoint"),
        ({"endpoint": "https://127.0.0.1/a"}, "endpoint"),
        ({"endpoint": "https://user@push.test/a"}, "endpoint"),
        ({"endpoint": "https://[::1/a"}, "endpoint"),
        ({"endpoint": "https://push.test:0/a"}, "endpoint"),
        ({"endpoint": "push.test"}, "endpoint"),
        ({"endpoint": "https://push.test/" + "a" * 1000}, "endpoint"),
        ({"endpoint": None}, "endpoint"),
        ({"keys": {"p256dh": "AAAA", "auth": "SNjEsHCVY23ipErakjHQ1A"}}, "keys.p256dh"),
        ({"keys": {**Device("").keys, "auth": "c2hvcnQ"}}, "keys.auth"),
        ({"keys": {**Device("").keys, "auth": "ä"}}, "keys.auth"),
        ({"keys": {}}, "keys.auth"),
        ({"device": "x" * 101}, "device"),
    ],
)
def test_it_rejects_invalid_value(
    body: dict[str, Any], field: str, rep: User, settings: Settings
) -> None:
    # Listed endpoints need HTTPS, too.
    settings.AI_ALLOWED_ADDRESSES = ["push.test:80"]
    response = subscribe(token_client(rep), **body)
    assert response.status_code == 400, response.content
    assert field in {detail["field"] for detail in response.json()["details"]}
    assert not PushSubscription.objects.exists()


def test_web_push_is_not_offered_without_a_key(
    rep: User, superuser: User, settings: Settings
) -> None:
    page = log_in(rep).get("/admin/inbox/").content.decode()
    assert f'data-key="{get_public_key()}"' in page
    assert "inbox_push.js" in page
    assert 'id="push"' not in log_in(superuser).get("/admin/inbox/").content.decode()
    settings.VAPID_SUBJECT = ""
    page = log_in(rep).get("/admin/inbox/").content.decode()
    assert 'id="push"' not in page
    assert "inbox_push.js" not in page
    client = token_client(rep)
    assert client.get(URL).json()["data"]["publicKey"] is None
    assert subscribe(client).json()["code"] == "push_unavailable"


def test_the_inbox_adds_lists_and_removes_this_device(rep: User) -> None:
    client = log_in(rep)
    values = {"endpoint": "https://push.test/a", **Device("").keys}
    pk = client.post(DEVICES, values, headers={"User-Agent": FIREFOX}).json()["id"]
    devices = client.get(DEVICES).json()["devices"]
    assert devices == [{"id": pk, "name": "Firefox on Android", "lastSuccessAt": None}]
    refused = client.post(DEVICES, {**values, "endpoint": "https://internal.test/"})
    assert refused.status_code == 422
    assert "public" in refused.json()["error"]
    assert client.post(DEVICES, {}).status_code == 422
    assert client.post(f"{DEVICES}{pk}/remove/").status_code == 204
    assert client.get(DEVICES).json()["devices"] == []


def test_devices_need_a_session_and_the_csrf_token(rep: User) -> None:
    assert Client().get(DEVICES).status_code == 302
    client = Client(enforce_csrf_checks=True)
    client.force_login(rep)
    for url in (DEVICES, f"{DEVICES}{'0' * 24}/remove/"):
        assert client.post(url).status_code == 403


def test_the_service_worker_controls_the_inbox_under_its_policy() -> None:
    url = reverse("inbox:push-worker")
    # The folder of the script is its scope.
    assert url.rpartition("/")[0] + "/" == reverse("inbox:list")
    response = Client().get(url)
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.headers["Cache-Control"] == "no-cache"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert b"showNotification" in response.content


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        ("python-requests/2.32", ""),
        ("Linux", "Browser on Linux"),
    ],
)
def test_a_device_is_named_after_its_user_agent(user_agent: str, name: str) -> None:
    assert describe_device(user_agent) == name
