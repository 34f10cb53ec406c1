"""Reading and sending of messages."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations.models import User
from tests.support.clients import token_client
from tests.support.visitors import Visitor
from webchats.conversations import services
from webchats.conversations.models import Contact, Conversation, Message

pytestmark = pytest.mark.django_db


def test_a_message_is_stored_and_read_back(visitor: Visitor) -> None:
    sent = visitor.send("Hello  <b>you</b>\n", key="one")
    assert sent.status_code == 201
    conversation = Conversation.objects.get()
    message = sent.json()["message"]
    assert message == {
        "sequence": 1,
        "kind": "text",
        "author": "visitor",
        "authorName": "",
        "text": "Hello  <b>you</b>\n",
        "event": None,
        "sources": [],
        "isApproved": False,
        "clientKey": "one",
        "createdAt": message["createdAt"],
    }
    assert sent.json()["conversationId"] == conversation.pk
    assert visitor.get("messages").json() == {
        "conversationId": conversation.pk,
        "messages": [message],
        "lastSequence": 1,
        "state": "open",
        "handler": "waiting",
        "rating": None,
        "reply": None,
        "replyState": None,
        "answeredBy": "person",
    }


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-br"),
        ("en;q=0.5, *;q=0.9", "en"),
        ("", ""),
        ("\x00<script>", ""),
        ("x" * 600, ""),
    ],
)
def test_the_contact_has_the_language_of_the_browser(
    visitor: Visitor, header: str, locale: str
) -> None:
    visitor.client.credentials(HTTP_ACCEPT_LANGUAGE=header)
    visitor.send()
    assert Contact.objects.get().locale == locale


def test_a_poll_that_finds_nothing_new_reads_no_messages(visitor: Visitor) -> None:
    position = {"conversation": visitor.send().json()["conversationId"], "after": 1}
    with CaptureQueriesContext(connection) as queries:
        assert visitor.get("messages", **position).json()["messages"] == []
    assert not [query for query in queries if Message._meta.db_table in query["sql"]]
    visitor.send(key="two")
    messages = visitor.get("messages", **position).json()["messages"]
    assert [message["sequence"] for message in messages] == [2]


def test_a_visitor_without_a_conversation_reads_no_messages(visitor: Visitor) -> None:
    assert visitor.get("messages").json() == {
        "conversationId": None,
        "messages": [],
        "lastSequence": 0,
        "state": None,
        "handler": None,
        "rating": None,
        "reply": None,
        "replyState": None,
        "answeredBy": "person",
    }
    assert not Conversation.objects.exists()


def test_a_repeated_client_key_returns_the_first_message(visitor: Visitor) -> None:
    first, again = visitor.send("One"), visitor.send("Two")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Message.objects.count() == 1


def test_only_messages_after_the_position_are_returned(visitor: Visitor) -> None:
    for number in range(1, 4):
        visitor.send(key=str(number))
    current = Conversation.objects.get().pk

    def read(**position: str | float) -> list[int]:
        messages = visitor.get("messages", **position).json()["messages"]
        return [message["sequence"] for message in messages]

    assert read(conversation=current, after=1) == [2, 3]
    assert read(conversation=current, after=3) == []
    assert read(conversation=current) == [1, 2, 3]
    # Of no conversation, and of another one.
    assert read(after=2) == [1, 2, 3]
    assert read(conversation="0" * 24, after=2) == [1, 2, 3]


def test_a_response_has_at_most_200_messages(visitor: Visitor) -> None:
    visitor.send()
    conversation = Conversation.objects.get()
    Message.objects.bulk_create(
        Message(conversation=conversation, sequence=number, author="rep", text="Hi")
        for number in range(2, 203)
    )
    Conversation.objects.update(last_sequence=202)
    page = visitor.get("messages").json()
    assert [message["sequence"] for message in page["messages"]] == list(range(1, 201))
    assert page["lastSequence"] == 202
    rest = visitor.get("messages", conversation=conversation.pk, after=200).json()
    assert [message["sequence"] for message in rest["messages"]] == [201, 202]


def test_the_visitor_sees_no_user_ids_addresses_and_notes(visitor: Visitor, rep: User) -> None:
    visitor.send()
    conversation = Conversation.objects.get()
    services.send_rep_message(conversation=conversation, user=rep, text="Hi", client_key="rep-key")
    services.add_note(conversation=conversation, user=rep, text="SECRET")
    content = visitor.get("messages").content.decode()
    for secret in (rep.pk, rep.email, rep.get_full_name(), "SECRET", "rep-key"):
        assert secret not in content
    messages = visitor.get("messages").json()["messages"]
    assert [message["authorName"] for message in messages] == ["", "Member", "Member"]
    assert messages[1]["event"] == "joined"


def test_a_page_of_long_messages_is_not_large(visitor: Visitor, rep: User) -> None:
    """Many readers of large pages would fill the memory of a process."""
    visitor.send()
    conversation = Conversation.objects.get()
    texts = ['"🌍' * 2000] * 40
    Message.objects.bulk_create(
        Message(conversation=conversation, sequence=number, author="rep", text=text)
        for number, text in enumerate(texts, start=2)
    )
    Conversation.objects.update(last_sequence=41)
    read: list[str] = []
    while len(read) < 41:
        response = visitor.get("messages", conversation=conversation.pk, after=len(read))
        assert len(response.content) < 256 * 1024
        page = [message["text"] for message in response.json()["messages"]]
        read += page
        assert page
    assert read == ["Hello", *texts]
    staff = token_client(rep).get(f"/api/conversations/{conversation.pk}/messages?limit=200")
    assert len(staff.content) < 256 * 1024
    assert staff.json()["pagination"]["next"] == staff.json()["data"][-1]["sequence"]
