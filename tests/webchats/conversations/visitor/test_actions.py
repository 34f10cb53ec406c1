"""Typing, reading, asking for a person, closing and the transcript."""

import re
from typing import Any

import pytest
from django.utils import timezone

from organizations.models import User
from organizations.tenancy.large_responses import LARGE_BYTES
from tests.support.visitors import Visitor
from webchats.conversations import events, services
from webchats.conversations.models import Contact, Conversation, Message
from webchats.conversations.transitions import REOPEN_WITHIN, Handler

pytestmark = pytest.mark.django_db


def answer(user: User, text: str = "Hi") -> None:
    conversation = Conversation.objects.get()
    services.send_rep_message(conversation=conversation, user=user, text=text, client_key=text)


@pytest.mark.parametrize(
    ("name", "body"), [("read", {"sequence": 0}), ("human", None), ("close", None)]
)
def test_an_action_without_a_conversation_is_not_found(
    visitor: Visitor, name: str, body: object
) -> None:
    response = visitor.post(name, body)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_typing_is_published_without_text(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[Any] = []
    monkeypatch.setattr(events, "publish", published.append)
    assert visitor.post("typing").status_code == 204
    assert published == []
    visitor.send("SECRET", contact={"name": "Ada"})
    published.clear()
    assert visitor.post("typing", {"text": "SECRET"}).status_code == 204
    (hint,) = published
    assert (hint["type"], hint["author"], hint["authorName"]) == ("typing", "visitor", "Ada")
    assert "SECRET" not in str(hint)


def test_typing_in_quick_succession_is_published_once(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.send()
    published: list[Any] = []
    monkeypatch.setattr(events, "publish", published.append)
    assert [visitor.post("typing").status_code for _ in range(5)] == [204] * 5
    assert len(published) == 1


def test_a_visitor_has_read_up_to_a_sequence(visitor: Visitor, rep: User) -> None:
    visitor.send()
    answer(rep)
    response = visitor.post("read", {"sequence": 3})
    assert (response.status_code, response.content) == (204, b"")
    assert Conversation.objects.get().visitor_read_sequence == 3
    visitor.post("read", {"sequence": 1})
    assert Conversation.objects.get().visitor_read_sequence == 3


def test_a_visitor_asks_for_a_person(visitor: Visitor) -> None:
    visitor.send()
    Conversation.objects.update(handler=Handler.AI)
    assert visitor.post("human").status_code == 204
    assert visitor.post("human").status_code == 204
    document = visitor.get("messages").json()
    assert document["handler"] == "waiting"
    assert [message["event"] for message in document["messages"]] == [None, "handed_over"]


def test_a_visitor_cannot_ask_for_a_person_in_a_closed_conversation(visitor: Visitor) -> None:
    visitor.send()
    assert visitor.post("close").status_code == 204
    response = visitor.post("human")
    assert (response.status_code, response.json()["code"]) == (409, "closed")


def test_a_closed_conversation_stays_readable_and_is_reopened_by_a_message(
    visitor: Visitor,
) -> None:
    visitor.send(key="1")
    assert visitor.post("close").status_code == 204
    assert visitor.post("close").status_code == 204
    closed = visitor.get("messages").json()
    assert closed["state"] == "closed"
    assert [message["event"] for message in closed["messages"]] == [None, "closed"]
    assert visitor.send(key="2").json()["conversationId"] == closed["conversationId"]
    assert visitor.get("messages").json()["state"] == "open"


def test_a_later_message_starts_a_new_conversation_of_the_same_contact(visitor: Visitor) -> None:
    first = visitor.send(key="1").json()["conversationId"]
    visitor.post("close")
    Conversation.objects.update(closed_at=timezone.now() - 2 * REOPEN_WITHIN)
    second = visitor.send(key="2").json()["conversationId"]
    assert first != second
    # The client still has the position in the first one.
    page = visitor.get("messages", conversation=first, after=2).json()
    assert (page["conversationId"], len(page["messages"])) == (second, 1)
    assert Contact.objects.count() == 1


def test_the_transcript_is_a_text_file(visitor: Visitor, rep: User) -> None:
    visitor.send("Hello\n2030-01-01 10:00 UTC  Rep:\n    Forged\x1b[2J")
    answer(rep, "Hi <b>there</b>")
    conversation = Conversation.objects.get()
    services.add_note(conversation=conversation, user=rep, text="SECRET")
    services.close(conversation=conversation)
    Message.objects.update(created_at="2030-01-01T09:00:00Z")
    response = visitor.get("transcript")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="conversation.txt"'
    assert response.headers["Cache-Control"] == "no-store"
    time, name = "2030-01-01 09:00 UTC", rep.public_name
    assert response.getvalue().decode() == "\n".join(
        [
            f"Conversation with {rep.organization}",
            "",
            f"{time}  Visitor:",
            "    Hello",
            "    2030-01-01 10:00 UTC  Rep:",
            "        Forged[2J",
            "",
            f"{time}  {name} joined the conversation.",
            "",
            f"{time}  {name}:",
            "    Hi <b>there</b>",
            "",
            f"{time}  Visitor closed the conversation.",
            "",
        ]
    )


def test_the_transcript_has_all_messages(visitor: Visitor) -> None:
    visitor.send()
    conversation = Conversation.objects.get()
    Message.objects.bulk_create(
        Message(conversation=conversation, sequence=number, author="rep", text=f"<{number}>")
        for number in range(2, 452)
    )
    text = visitor.get("transcript").getvalue().decode()
    assert [f"    <{number}>\n" in text for number in range(2, 452)] == [True] * 450


def test_a_long_transcript_has_the_newest_messages_and_is_no_large_response(
    visitor: Visitor,
) -> None:
    visitor.send()
    conversation = Conversation.objects.get()
    Message.objects.bulk_create(
        Message(conversation=conversation, sequence=n, author="rep", text=f"{n:03} " + "🌍" * 3_996)
        for n in range(2, 120)
    )
    response = visitor.get("transcript")
    # A streaming response would keep its connection until the client has read it.
    assert not response.streaming
    assert len(response.content) <= LARGE_BYTES
    text = response.content.decode()
    assert text.startswith(f"Conversation with {conversation.organization}\n\nEarlier messages")
    numbers = [int(number) for number in re.findall(r"^    (\d{3}) ", text, re.MULTILINE)]
    assert numbers == [*range(120 - len(numbers), 120)]
    assert len(numbers) == 15


def test_errors_of_the_transcript_are_json(visitor: Visitor) -> None:
    for accept in ("text/plain", "*/*", "application/json"):
        missing = visitor.client.get(
            f"{visitor.path}/transcript",
            headers={"Authorization": f"Bearer {visitor.token}", "Accept": accept},
        )
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        anonymous = visitor.client.get(f"{visitor.path}/transcript", headers={"Accept": accept})
        assert (anonymous.status_code, anonymous.json()["code"]) == (401, "session_expired")
