"""Simultaneous requests of one visitor."""

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from tests.support.threads import run_at_once
from tests.support.visitors import Visitor
from webchats.conversations.contacts import LAST_SEEN_PRECISION
from webchats.conversations.models import Contact, Conversation, Message
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_that_is_sent_eight_times_at_once_is_stored_once(webchat: Webchat) -> None:
    visitor = Visitor(webchat)
    tabs = [Visitor(webchat, token=visitor.token) for _ in range(8)]
    responses = run_at_once(8, lambda number: tabs[number].send(f"Text {number}", "key"))
    assert sorted(response.status_code for response in responses) == [200] * 7 + [201]
    assert len({response.content for response in responses}) == 1
    assert Message.objects.count() == Contact.objects.count() == 1
    assert Conversation.objects.get().last_sequence == 1


def test_the_first_messages_of_two_tabs_start_one_conversation(webchat: Webchat) -> None:
    visitor = Visitor(webchat)
    tabs = [Visitor(webchat, token=visitor.token) for _ in range(2)]
    responses = run_at_once(2, lambda number: tabs[number].send(f"Text {number}", f"{number}"))
    assert [response.status_code for response in responses] == [201, 201]
    assert len({response.json()["conversationId"] for response in responses}) == 1
    messages = visitor.get("messages").json()["messages"]
    assert [message["sequence"] for message in messages] == [1, 2]
    assert Contact.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows.")
def test_visitor_writes_while_an_import_locks_the_contact(webchat: Webchat) -> None:
    visitor = Visitor(webchat)
    visitor.send("Hello", "1")
    seen = Contact.objects.get().last_seen_at
    with (
        time_machine.travel(timezone.now() + LAST_SEEN_PRECISION, tick=True),
        transaction.atomic(),
    ):
        Contact.objects.select_for_update().get()
        (response,) = run_at_once(1, lambda _: visitor.send("Again", "2"))
    assert response.status_code == 201
    assert Contact.objects.get().last_seen_at == seen
    with time_machine.travel(timezone.now() + LAST_SEEN_PRECISION, tick=True):
        visitor.send("Later", "3")
    assert Contact.objects.get().last_seen_at > seen
