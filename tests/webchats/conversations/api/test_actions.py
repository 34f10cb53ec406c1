"""Answers, notes and other actions on a conversation in the API."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import User
from tests.api.errors import assert_error
from tests.support import factories
from tests.support.clients import token_client
from webchats.conversations import services
from webchats.conversations.models import Conversation, Message, Note
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """An open conversation with one message of the visitor, which waits."""
    return send(webchat, "Hello")


@pytest.fixture
def rep_client(rep: User) -> APIClient:
    rep.full_name = "Sam Rep"
    rep.save()
    return token_client(rep)


def send(webchat: Webchat, text: str) -> Conversation:
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id="a" * 32, text=text, client_key=text
    )
    return sent.message.conversation


def post(client: APIClient, row: Conversation, action: str, body: object = None) -> Any:
    # JSON can escape a surrogate, which the client of the tests cannot encode.
    content = json.dumps(body) if body is not None else None
    path = f"/api/conversations/{row.pk}/{action}"
    return client.post(path, content, content_type="application/json")


def message(text: str = "Hi", key: str = "1", **body: object) -> dict[str, object]:
    return {"text": text, "clientKey": key, **body}


def errors(response: Any) -> dict[str, str]:
    """Return the codes of a validation error by field."""
    assert response.status_code == 400, response.content
    return {detail.get("field", ""): detail["code"] for detail in response.json()["details"]}


# --- Messages ---


def test_sales_rep_answers_and_takes_the_conversation_over(
    rep_client: APIClient, rep: User, conversation: Conversation
) -> None:
    response = post(rep_client, conversation, "messages", message(" Hi *there* "))
    assert response.status_code == 201
    assert response.json()["message"] == "Message sent"
    document = response.json()["data"]
    assert document.pop("createdAt")
    assert document == {
        "sequence": 3,
        "kind": "text",
        "author": "rep",
        "authorName": "Sam",
        "text": " Hi *there* ",
        "event": None,
        "sources": [],
        "isApproved": False,
        "clientKey": "1",
        "userId": rep.pk,
        "approvedBy": None,
        "replyId": None,
    }
    conversation.refresh_from_db()
    assert (conversation.handler, conversation.assignee) == ("rep", rep)


def test_repeated_client_key_returns_the_first_message(
    rep_client: APIClient, conversation: Conversation
) -> None:
    first = post(rep_client, conversation, "messages", message("Hi"))
    again = post(rep_client, conversation, "messages", message("Something else"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Message.objects.filter(author="rep").count() == 1


def test_client_key_of_the_visitor_does_not_swallow_an_answer(
    rep_client: APIClient, conversation: Conversation
) -> None:
    key = conversation.messages.get().client_key
    response = post(rep_client, conversation, "messages", message(key=key))
    assert_error(response, 409, "client_key_used")
    assert Message.objects.count() == 1


def test_answer_after_another_one_gets_409_with_that_answer(
    rep_client: APIClient, admin: User, conversation: Conversation
) -> None:
    services.send_rep_message(conversation=conversation, user=admin, text="Mine", client_key="2")
    response = post(rep_client, conversation, "messages", message(after=1))
    assert response.status_code == 409
    assert response.json() == {
        "error": "Somebody else has answered meanwhile.",
        "code": "answered_meanwhile",
        "details": [
            {
                "field": "after",
                "code": "answered_meanwhile",
                "message": "Mine",
                "sequence": 3,
                "authorName": "Member",
            }
        ],
    }
    assert post(rep_client, conversation, "messages", message(after=3)).status_code == 201


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, {"text": "required", "clientKey": "required"}),
        (message(" \n"), {"text": "blank"}),
        (message("x" * 4_001), {"text": "max_length"}),
        (message("a\0b"), {"text": "null_characters_not_allowed"}),
        (message("\ud800"), {"text": "surrogate_characters_not_allowed"}),
        (message("Hi", "k" * 65), {"clientKey": "max_length"}),
        (message("Hi", "", after=-1), {"clientKey": "blank", "after": "min_value"}),
        (message("Hi", after=2**31), {"after": "max_value"}),
        (message("Hi", after="1"), {"after": "invalid"}),
        ([], {"": "invalid"}),
    ],
)
def test_invalid_message_is_not_stored(
    rep_client: APIClient, conversation: Conversation, body: object, codes: dict[str, str]
) -> None:
    assert errors(post(rep_client, conversation, "messages", body)) == codes
    assert Message.objects.count() == 1


def test_closed_conversation_accepts_notes_only(
    rep_client: APIClient, conversation: Conversation
) -> None:
    services.close(conversation=conversation)
    assert_error(post(rep_client, conversation, "messages", message()), 409, "closed")
    assert_error(post(rep_client, conversation, "take-over"), 409, "closed")
    assert post(rep_client, conversation, "notes", {"text": "Done"}).status_code == 201


def test_messages_are_listed_by_sequence_and_continue_after_one(
    rep_client: APIClient, conversation: Conversation, webchat: Webchat
) -> None:
    for text in ("Two", "Three"):
        send(webchat, text)

    def read(**query: int) -> tuple[list[str], int | None]:
        response = rep_client.get(f"/api/conversations/{conversation.pk}/messages", query)
        assert response.status_code == 200, response.content
        body = response.json()
        return [row["text"] for row in body["data"]], body["pagination"]["next"]

    assert read() == (["Hello", "Two", "Three"], None)
    assert read(limit=2) == (["Hello", "Two"], 2)
    assert read(limit=2, after=2) == (["Three"], None)
    assert read(after=2**31 - 1) == ([], None)
    path = f"/api/conversations/{conversation.pk}/messages"
    response = rep_client.get(f"{path}?after=x&limit=201")
    assert errors(response) == {"after": "invalid", "limit": "max_value"}


# --- Notes, reading, taking over ---


def test_notes_are_stored_with_their_author(
    rep_client: APIClient, rep: User, conversation: Conversation
) -> None:
    first = post(rep_client, conversation, "notes", {"text": " One "})
    post(rep_client, conversation, "notes", {"text": "Two"})
    assert first.json()["data"].items() >= {"text": "One", "userId": rep.pk}.items()
    response = rep_client.get(f"/api/conversations/{conversation.pk}/notes?limit=1")
    body = response.json()
    assert body["data"] == [first.json()["data"]]
    rest = rep_client.get(
        f"/api/conversations/{conversation.pk}/notes", {"cursor": body["pagination"]["next"]}
    )
    assert [note["text"] for note in rest.json()["data"]] == ["Two"]
    assert Message.objects.count() == 1


@pytest.mark.parametrize("text", ["", "  ", "\0", "x" * 4_001, None, 1])
def test_invalid_note_is_not_stored(
    rep_client: APIClient, conversation: Conversation, text: object
) -> None:
    assert errors(post(rep_client, conversation, "notes", {"text": text})).keys() == {"text"}
    assert not Note.objects.exists()


def test_reading_sets_back_the_number_of_unread_messages(
    rep_client: APIClient, conversation: Conversation, webchat: Webchat
) -> None:
    send(webchat, "Two")
    response = post(rep_client, conversation, "read", {"sequence": 1})
    assert response.json()["data"]["unread"] == 1
    assert response.headers["ETag"]
    response = post(rep_client, conversation, "read", {"sequence": 2})
    assert response.json()["data"]["unread"] == 0
    assert errors(post(rep_client, conversation, "read", {"sequence": 3})) == {
        "sequence": "max_value"
    }
    assert errors(post(rep_client, conversation, "read", {})) == {"sequence": "required"}


def test_take_over_makes_the_caller_the_assignee(
    rep_client: APIClient, rep: User, conversation: Conversation
) -> None:
    response = post(rep_client, conversation, "take-over")
    assert response.status_code == 200
    document = response.json()["data"]
    assert (document["handler"], document["assigneeId"]) == ("rep", rep.pk)
    assert document["lastSequence"] == 2


def test_typing_is_published_and_stores_nothing(
    rep_client: APIClient, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        "webchats.conversations.events.typing",
        lambda row, author, name: published.append((row.pk, author, name)),
    )
    assert post(rep_client, conversation, "typing").status_code == 204
    assert published == [(conversation.pk, "rep", "Sam")]
    assert Conversation.objects.get().row_version == conversation.row_version


# --- Updates ---


def put(client: APIClient, row: Conversation, headers: Any = None, **body: object) -> Any:
    return client.put(f"/api/conversations/{row.pk}", body, headers=headers)


def test_update_assigns_closes_and_reopens(
    rep_client: APIClient, rep: User, admin: User, conversation: Conversation
) -> None:
    assigned = put(rep_client, conversation, assigneeId=admin.pk).json()["data"]
    assert (assigned["assigneeId"], assigned["handler"]) == (admin.pk, "waiting")
    closed = put(rep_client, conversation, state="closed", assigneeId=None).json()["data"]
    assert (closed["state"], closed["assigneeId"]) == ("closed", None)
    assert closed["closedAt"]
    opened = put(rep_client, conversation, state="open").json()["data"]
    assert (opened["state"], opened["assigneeId"], opened["handler"]) == ("open", rep.pk, "rep")
    events = Message.objects.filter(kind="event").order_by("sequence")
    assert [(row.event, row.author_name) for row in events] == [
        ("closed", "Sam"),
        ("reopened", ""),
    ]


def test_update_with_the_document_that_was_read_changes_nothing(
    rep_client: APIClient, conversation: Conversation
) -> None:
    path = f"/api/conversations/{conversation.pk}"
    document = rep_client.get(path).json()["data"]
    response = rep_client.put(path, document)
    assert response.status_code == 200
    assert response.json()["data"] == document | {"updatedAt": response.json()["data"]["updatedAt"]}
    assert Message.objects.count() == 1


def test_prompt_and_autopilot_replace_those_of_the_webchat(
    rep_client: APIClient, conversation: Conversation
) -> None:
    prompt = factories.PromptFactory.create(organization=conversation.organization)
    changed = put(rep_client, conversation, promptId=prompt.pk, isAutopilot=True).json()["data"]
    assert (changed["promptId"], changed["isAutopilot"]) == (prompt.pk, True)
    prompt.is_active = False
    prompt.save()
    assert put(rep_client, conversation, promptId=prompt.pk, state="open").status_code == 200
    changed = put(rep_client, conversation, promptId=None, isAutopilot=None).json()["data"]
    assert (changed["promptId"], changed["isAutopilot"]) == (None, None)
    assert errors(put(rep_client, conversation, promptId=prompt.pk)) == {"promptId": "inactive"}


def test_invalid_update_reports_all_errors_and_changes_nothing(
    rep_client: APIClient, conversation: Conversation, rep: User
) -> None:
    inactive = factories.UserFactory.create(organization=rep.organization, is_active=False)
    response = put(
        rep_client, conversation, assigneeId=inactive.pk, state=None, isAutopilot=1, promptId="x"
    )
    assert errors(response) == {
        "assigneeId": "inactive",
        "state": "null",
        "isAutopilot": "invalid",
        "promptId": "does_not_exist",
    }
    conversation.refresh_from_db()
    assert conversation.assignee is None


def test_superuser_assigns_members_of_the_organization_only(
    api: Any, superuser: User, other_admin: User, rep: User, conversation: Conversation
) -> None:
    prompt = factories.PromptFactory.create(organization=other_admin.organization)
    client = api(superuser)
    for user in (other_admin, superuser):
        response = put(client, conversation, assigneeId=user.pk, promptId=prompt.pk)
        assert errors(response) == {"assigneeId": "does_not_exist", "promptId": "does_not_exist"}
    assert put(client, conversation, assigneeId=rep.pk).status_code == 200
    assert post(client, conversation, "messages", message()).status_code == 201


def test_reopening_beside_another_conversation_changes_nothing(
    rep_client: APIClient, admin: User, conversation: Conversation
) -> None:
    services.close(conversation=conversation)
    other = factories.ConversationFactory.create(
        webchat=conversation.webchat, visitor_id=conversation.visitor_id
    )
    response = put(rep_client, conversation, state="open", assigneeId=admin.pk)
    assert_error(response, 409, "visitor_moved_on")
    conversation.refresh_from_db()
    assert (conversation.state, conversation.assignee, other.state) == ("closed", None, "open")


def test_update_of_another_version_is_refused(
    rep_client: APIClient, conversation: Conversation, webchat: Webchat
) -> None:
    etag = rep_client.get(f"/api/conversations/{conversation.pk}").headers["ETag"]
    send(webchat, "Two")
    response = put(rep_client, conversation, {"If-Match": etag}, state="closed")
    assert_error(response, 412, "precondition_failed")
    # A POST adds to the row in any version.
    assert post(rep_client, conversation, "read", {"sequence": 1}).status_code == 200


def test_clients_cannot_create_or_delete_conversations(
    api_client: APIClient, conversation: Conversation
) -> None:
    for path in ("conversations", "organizations", "users"):
        assert_error(api_client.post(f"/api/{path}", {}), 405, "method_not_allowed")
    response = api_client.delete(f"/api/conversations/{conversation.pk}")
    assert_error(response, 405, "method_not_allowed")
