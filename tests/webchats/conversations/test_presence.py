"""Presence of representatives: heartbeats in the cache, the API and the pages of the inbox."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from organizations.models import User
from tests.support.clients import log_in, token_client
from tests.webchats.conversations.inbox.conftest import write
from webchats.conversations.live import publishing
from webchats.conversations.models import Conversation
from webchats.conversations.presence import EXPIRY_SECONDS, load_presence
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """A conversation of the organization of ``rep``."""
    return write(webchat)


@pytest.fixture
def rep_api(rep: User) -> APIClient:
    """A client of the API, authenticated as ``rep``."""
    return token_client(rep)


def path(row: Conversation, action: str = "presence") -> str:
    return f"/api/conversations/{row.pk}/{action}"


def present(client: APIClient, row: Conversation) -> list[dict[str, Any]]:
    response = client.get(path(row))
    assert response.status_code == 200, response.content
    reps: list[dict[str, Any]] = response.json()["data"]["reps"]
    return reps


def test_colleagues_see_who_views_a_conversation_and_who_types(
    api_client: APIClient, rep_api: APIClient, admin: User, rep: User, conversation: Conversation
) -> None:
    assert rep_api.post(path(conversation), {}).status_code == 204
    assert api_client.post(path(conversation), {"typing": True}).status_code == 204
    assert present(api_client, conversation) == [
        {"userId": rep.pk, "name": rep.public_name, "isTyping": False},
        {"userId": admin.pk, "name": admin.public_name, "isTyping": True},
    ]
    assert api_client.post(path(conversation, "leave")).status_code == 204
    assert [each["userId"] for each in present(api_client, conversation)] == [rep.pk]


def test_typing_ends_before_presence_and_presence_without_heartbeats(
    rep_api: APIClient, conversation: Conversation, organization: Any
) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as traveller:
        rep_api.post(path(conversation, "typing"))
        assert [each["isTyping"] for each in present(rep_api, conversation)] == [True]
        traveller.shift(timedelta(seconds=7))
        assert [each["isTyping"] for each in present(rep_api, conversation)] == [False]
        traveller.shift(timedelta(seconds=EXPIRY_SECONDS - 7))
        assert load_presence(organization.pk).reps == {}
    assert EXPIRY_SECONDS <= 45


def test_a_heartbeat_is_published_for_staff_and_stores_nothing(
    rep_api: APIClient, rep: User, conversation: Conversation
) -> None:
    hints: list[publishing.Hint] = []
    publishing.add_listener(hints.append)
    rep_api.post(path(conversation), {"typing": True})
    publishing.remove_listener(hints.append)
    (hint,) = hints
    assert (hint["type"], hint["conversation"]) == ("presence", conversation.pk)
    assert (hint["userId"], hint["seconds"], hint["isTyping"]) == (rep.pk, EXPIRY_SECONDS, True)
    assert Conversation.objects.get().row_version == conversation.row_version


def test_the_end_of_being_online_is_not_stored_with_each_heartbeat(
    rep_api: APIClient, rep: User
) -> None:
    now = timezone.now()
    stored = set()
    with time_machine.travel(now, tick=False) as traveller:
        for second in range(0, 120, 10):
            traveller.move_to(now + timedelta(seconds=second))
            rep_api.put("/api/presence", {})
            rep.refresh_from_db()
            assert rep.online_until is not None
            assert 40 <= (rep.online_until - timezone.now()).total_seconds() <= 70
            stored.add(rep.online_until)
        assert len(stored) == 3
        rep_api.put("/api/presence", {"isAway": True})
        rep.refresh_from_db()
        assert rep.online_until == timezone.now()
        traveller.shift(timedelta(seconds=10))
        rep_api.put("/api/presence", {})
        rep.refresh_from_db()
        assert rep.online_until < timezone.now()


@pytest.mark.parametrize("action", ["presence", "leave", "typing"])
def test_presence_is_inaccessible_to_other_organizations(
    action: str, other_admin: User, conversation: Conversation
) -> None:
    client = token_client(other_admin)
    assert client.post(path(conversation, action), {}).status_code == 404
    assert client.get(path(conversation)).status_code == 404
    assert load_presence(conversation.organization_id).reps == {}


def test_the_list_and_the_thread_show_who_is_viewing(
    rep: User, session_client: Client, conversation: Conversation
) -> None:
    client = log_in(rep)
    assert client.post("/admin/inbox/presence/").status_code == 204
    assert set(load_presence(conversation.organization_id).reps) == {rep.pk}
    url = f"/admin/inbox/{conversation.pk}/presence/"
    assert client.post(url, {"typing": "on"}).status_code == 204
    page = session_client.get(f"/admin/inbox/{conversation.pk}/")
    reps = json.dumps([{"userId": rep.pk, "name": rep.public_name, "isTyping": True}])
    shown = f'data-present="{reps.replace(chr(34), "&quot;")}"'
    assert page.content.decode().count(shown) == 2
    assert client.post(url, {"left": "on"}).status_code == 204
    assert load_presence(conversation.organization_id).in_conversation(conversation.pk) == []


def test_a_hidden_tab_shows_nothing_but_another_one_may(rep: User) -> None:
    client = log_in(rep)
    reports = [("", True), ("hidden", True), ("was_hidden", False), ("hidden", False), ("", True)]
    for tab, is_seen in reports:
        assert client.post("/admin/inbox/presence/", {"tab": tab}).status_code == 204
        assert load_presence(str(rep.organization_id)).sees_inbox(rep.pk) is is_seen


# --- Who is online ---


def test_who_is_online_and_who_is_away(
    api_client: APIClient, rep_api: APIClient, admin: User, rep: User, conversation: Conversation
) -> None:
    admin.full_name, rep.full_name = "Ada Admin", "Sam Rep"
    admin.save()
    rep.save()
    rep_api.post(path(conversation), {})
    assert rep_api.put("/api/presence", {"isAway": True}).status_code == 200
    # A heartbeat leaves the switch as it is.
    assert rep_api.put("/api/presence", {}).status_code == 200
    online = api_client.put("/api/presence", {}).json()["data"]
    assert online == [
        {"userId": admin.pk, "name": "Ada", "isAway": False, "conversationIds": []},
        {"userId": rep.pk, "name": "Sam", "isAway": True, "conversationIds": [conversation.pk]},
    ]
    rep.refresh_from_db()
    assert rep.is_away
    rep_api.put("/api/presence", {"isAway": False})
    online = api_client.get("/api/presence").json()["data"]
    assert [each["isAway"] for each in online] == [False, False]


def test_who_is_online_is_seen_in_the_organization_only(
    rep_api: APIClient, other_admin: User, superuser: User, rep: User
) -> None:
    rep_api.put("/api/presence", {})
    assert token_client(other_admin).get("/api/presence").json() == {"data": []}
    query = f"?organization={rep.organization_id}"
    assert token_client(other_admin).get(f"/api/presence{query}").status_code == 404
    assert token_client(superuser).get("/api/presence").status_code == 400
    online = token_client(superuser).get(f"/api/presence{query}").json()["data"]
    assert [each["userId"] for each in online] == [rep.pk]


def test_the_away_switch_of_the_inbox(rep: User, conversation: Conversation) -> None:
    client = log_in(rep)
    values = {"is_away": "on", "conversation": conversation.pk}
    response = client.post("/admin/inbox/away/?state=open", values)
    assert response.status_code == 302
    page = client.get(response.headers["Location"]).content.decode()
    assert "I am back" in page
    assert "(you) <span" in page
    rep.refresh_from_db()
    assert rep.is_away
    fragment = client.post("/admin/inbox/away/", {"is_away": "off"}, headers={"HX-Request": "true"})
    assert "Set me away" in fragment.content.decode()
    assert client.post("/admin/inbox/away/", {"is_away": "x"}).status_code == 422
