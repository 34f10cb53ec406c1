"""Variables of canned replies: their values, and messages with a variable."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import User
from tests.support import factories
from tests.support.responses import error_codes
from tests.webchats.conversations.inbox.conftest import write
from webchats.conversations.canned_replies import fill_in, find_unresolved, get_values
from webchats.conversations.models import CannedReply, Conversation, Message, Note
from webchats.models import Webchat

VALUES = {
    "visitor.name": "Ada",
    "visitor.email": "",
    "rep.name": "Sam",
    "webchat.name": "Shop",
    "organization.name": "{rep.name}",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {visitor.name|there}!", "Hello Ada!"),
        ("{ rep.name } of {webchat.name}", "Sam of Shop"),
        ("Mail {visitor.email|you}", "Mail you"),
        ("Mail {visitor.email| }.", "Mail ."),
        ("Mail {visitor.email}", "Mail {visitor.email}"),
        # A value is no text with variables.
        ("{organization.name}", "{rep.name}"),
        ("{a.b} {} {visitor} {{visitor.name}}", "{a.b} {} {visitor} {Ada}"),
    ],
)
def test_variables_are_replaced_by_values_or_defaults(text: str, expected: str) -> None:
    assert fill_in(text, VALUES) == expected


def test_unresolved_variables_are_found_as_they_are_written() -> None:
    text = "{visitor.email}, { rep.name | me }, {visitor.email}, {a.b}"
    assert find_unresolved(text) == ["{visitor.email}", "{ rep.name | me }"]


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """A conversation with Ada, who has left no e-mail address."""
    return write(webchat)


@pytest.mark.django_db
def test_values_are_those_of_the_conversation_and_the_sender(
    conversation: Conversation, rep: User
) -> None:
    assert get_values(conversation, rep) == {
        "visitor.name": "Ada",
        "visitor.email": "",
        "rep.name": rep.public_name,
        "webchat.name": conversation.webchat.name if conversation.webchat else None,
        "organization.name": conversation.organization.name,
    }
    conversation.webchat = None
    assert get_values(conversation, rep)["webchat.name"] == ""


@pytest.mark.django_db
def test_inbox_and_api_return_replies_filled_in(
    api: Any, conversation: Conversation, rep: User, client: Client
) -> None:
    foreign = factories.CannedReplyFactory.create(shortcut="foreign")
    for shortcut, text in (("mail", "{visitor.email}?"), ("hi", "Hi {visitor.name}, {rep.name}")):
        factories.CannedReplyFactory.create(
            organization=conversation.organization, shortcut=shortcut, title="A", text=text
        )
    expected = [
        {"shortcut": "hi", "title": "A", "text": f"Hi Ada, {rep.public_name}", "unresolved": []},
        {
            "shortcut": "mail",
            "title": "A",
            "text": "{visitor.email}?",
            "unresolved": ["{visitor.email}"],
        },
    ]
    client.force_login(rep)
    path = reverse("inbox:canned-replies", args=[conversation.pk])
    listed = client.get(path).json()["replies"]
    names = ("shortcut", "title", "text")
    assert [{name: row[name] for name in names} for row in listed] == [
        {name: row[name] for name in names} for row in expected
    ]
    for rows in (
        [client.get(path, {"reply": row["_id"]}).json()["reply"] for row in listed],
        api(rep).get(f"/api/conversations/{conversation.pk}/canned-replies").json()["data"],
    ):
        assert [{name: row[name] for name in row if name != "_id"} for row in rows] == expected
    for unknown in (foreign.pk, "0" * 24, ""):
        assert client.get(path, {"reply": unknown}).status_code == 404


@pytest.mark.django_db
def test_the_inbox_lists_the_beginnings_of_long_replies(
    conversation: Conversation, rep: User, client: Client
) -> None:
    CannedReply.objects.bulk_create(
        factories.CannedReplyFactory.build(
            organization=conversation.organization,
            shortcut=f"reply-{number}",
            title="🌍" * 120,
            text="🌍" * 4_000,
        )
        for number in range(500)
    )
    client.force_login(rep)
    response = client.get(reverse("inbox:canned-replies", args=[conversation.pk]))
    replies = response.json()["replies"]
    assert len(replies) == 500
    assert replies[0]["text"] == "🌍" * 100 + "…"
    assert len(response.content) < 512 * 1024


@pytest.mark.django_db
def test_message_with_a_variable_is_not_sent(
    api: Any, conversation: Conversation, rep: User, client: Client
) -> None:
    text = "Write to {visitor.email}."
    path = f"/api/conversations/{conversation.pk}/messages"
    response = api(rep).post(path, {"text": text, "clientKey": "a"})
    assert error_codes(response) == {"text": "unresolved_variable"}
    client.force_login(rep)
    path = reverse("inbox:send", args=[conversation.pk])
    values = {"mode": "reply", "text": text, "client_key": "a"}
    response = client.post(path, values, headers={"HX-Request": "true"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Replace {visitor.email} before you send the message." in page
    assert text in page
    assert Message.objects.count() == 1
    client.post(path, values | {"mode": "note"})
    assert Note.objects.get().text == text


@pytest.mark.django_db
def test_draft_is_not_approved_with_a_variable(
    api: Any, webchat: Webchat, rep: User, client: Client
) -> None:
    draft = factories.DraftFactory.create(webchat=webchat)
    body = {"version": 1, "text": "Hi {visitor.name}"}
    response = api(rep).post(f"/api/drafts/{draft.pk}/approve", body)
    assert error_codes(response) == {"text": "unresolved_variable"}
    client.force_login(rep)
    path = reverse("inbox:approve", args=[draft.conversation_id])
    response = client.post(path, body | {"draft": draft.pk}, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "Replace {visitor.name} before" in response.content.decode()
