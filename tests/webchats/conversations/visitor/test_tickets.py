"""Tickets and sessions over HTTP."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support import factories
from tests.support.visitors import OTHER_SITE, SITE, Visitor
from webchats.conversations.models import Contact, Conversation
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

NOT_FOUND = (404, {"error": "Not found.", "code": "not_found"})
UNKNOWN_IDS = ["0" * 24, "x", "A" * 24, "%00", "0" * 25, "é"]


def post(path: str, body: object = None, **headers: str) -> Any:
    return APIClient().post(path, body, headers=headers)


def test_unknown_disabled_and_refused_webchats_get_the_same_404(webchat: Webchat) -> None:
    disabled = factories.WebchatFactory.create(is_enabled=False)
    refused = [
        post(f"/widget/{webchat.pk}/ticket"),
        post(f"/widget/{webchat.pk}/ticket", Origin="null"),
        post(f"/widget/{webchat.pk}/ticket", Origin="https://evil.test"),
        post(f"/widget/{webchat.pk}/ticket", Origin="https://evil.test", Referer=SITE),
        post(f"/widget/{disabled.pk}/ticket", Origin=SITE),
        *(post(f"/widget/{unknown}/ticket", Origin=SITE) for unknown in UNKNOWN_IDS),
    ]
    for response in refused:
        assert (response.status_code, response.json()) == NOT_FOUND
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == refused[0].headers["Vary"]


def test_only_the_page_of_a_ticket_can_read_it(webchat: Webchat) -> None:
    response = post(f"/widget/{webchat.pk}/ticket", Origin=SITE)
    assert response.json()["expiresIn"] == 60
    assert response.headers["Access-Control-Allow-Origin"] == SITE
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Origin" in response.headers["Vary"]


def test_a_ticket_is_exchanged_for_a_session_without_making_a_row(webchat: Webchat) -> None:
    started = Visitor(webchat).start()
    assert set(started) == {"token", "expiresAt", "conversation", "answeredBy"}
    assert started["conversation"] is None
    assert started["expiresAt"].endswith("Z")
    assert not Contact.objects.exists()
    assert not Conversation.objects.exists()


def test_a_renewed_session_continues_the_conversation(visitor: Visitor) -> None:
    conversation_id = visitor.send().json()["conversationId"]
    visitor.site = OTHER_SITE
    renewed = visitor.start(token=visitor.token)
    assert renewed["conversation"] == {
        "_id": conversation_id,
        "lastSequence": 1,
        "state": "open",
        "handler": "waiting",
        "rating": None,
    }
    assert visitor.start()["conversation"] is None


def test_a_wrong_ticket_gets_the_404_of_an_unknown_webchat(webchat: Webchat) -> None:
    visitor = Visitor(webchat)
    ticket = visitor.get_ticket()
    other = factories.WebchatFactory.create()
    Webchat.objects.filter(pk=webchat.pk).update(is_enabled=False)
    for path, body in (
        (webchat.pk, {"ticket": ticket}),
        (webchat.pk, {"ticket": visitor.token}),
        (other.pk, {"ticket": ticket}),
        *((unknown, {"ticket": ticket}) for unknown in UNKNOWN_IDS),
    ):
        response = post(f"/widget/{path}/session", body)
        assert (response.status_code, response.json()) == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ticket"),
        ({"ticket": 5}, "ticket"),
        ({"ticket": None}, "ticket"),
        ({"ticket": ""}, "ticket"),
        ({"ticket": "x" * 2_001}, "ticket"),
        ({"ticket": "\x00"}, "ticket"),
        ({"ticket": "x", "token": {}}, "token"),
        ([], ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_an_invalid_body_names_the_field(webchat: Webchat, body: object, field: str) -> None:
    response = APIClient().post(f"/widget/{webchat.pk}/session", body, format="json")
    assert response.status_code == 400, response.content
    if field:
        assert [item["field"] for item in response.json()["details"]] == [field]
