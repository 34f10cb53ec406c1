"""Streams of visitors while the AI answers: ``reply`` events, and the state of the reply."""

from typing import Any

import pytest
from django.test import Client

from tests.support import factories
from tests.support.streams import LiveServer, StreamEvent
from tests.webchats.conversations.live.conftest import Open, Send
from webchats.conversations import events
from webchats.conversations.models import Author, Conversation, Reply, ReplyState
from webchats.conversations.sessions import Session
from webchats.models import Webchat


@pytest.fixture
def conversation(webchat: Webchat, send: Send) -> Conversation:
    """A conversation that the AI answers, with a message of the visitor."""
    webchat.is_autopilot = True
    webchat.save()
    conversation = send("Do you ship to Norway?")
    Conversation.objects.update(handler="ai")
    return conversation


def make_reply(conversation: Conversation, **values: Any) -> Reply:
    return factories.ReplyFactory.create(
        conversation=conversation, state=ReplyState.RUNNING, based_on_sequence=1, **values
    )


def reply_event(reply: Reply, offset: int, text: str) -> StreamEvent:
    return StreamEvent("reply", {"replyId": reply.pk, "offset": offset, "text": text}, "")


def both_parts(reply: Reply) -> list[StreamEvent]:
    return [reply_event(reply, 0, "We ship"), reply_event(reply, 7, " everywhere.")]


def test_text_arrives_while_it_is_written(open_stream: Open, conversation: Conversation) -> None:
    stream = open_stream()
    _, state = stream.take(2)
    assert state.data["replyState"] == "writing"
    reply = make_reply(conversation)
    events.reply_progress(events.ReplyPart(conversation, reply.pk, 0, "We ship"))
    events.reply_progress(events.ReplyPart(conversation, reply.pk, 7, " everywhere."))
    assert stream.take(2) == both_parts(reply)


def test_a_repeated_hint_repeats_no_text(open_stream: Open, conversation: Conversation) -> None:
    stream = open_stream()
    stream.take(2)
    reply = make_reply(conversation)
    events.reply_progress(events.ReplyPart(conversation, reply.pk, 0, "We ship"))
    events.reply_progress(events.ReplyPart(conversation, reply.pk, 0, "We ship everywhere."))
    assert stream.take(2) == both_parts(reply)


def test_a_new_stream_begins_with_the_saved_text(
    open_stream: Open, conversation: Conversation
) -> None:
    reply = make_reply(conversation, text="We ship")
    stream = open_stream()
    _, state, text = stream.take(3)
    assert state.data["replyState"] == "writing"
    assert text == reply_event(reply, 0, "We ship")


def test_without_hints_the_saved_text_is_found(
    live: LiveServer, open_stream: Open, conversation: Conversation
) -> None:
    stream = open_stream()
    stream.take(2)
    reply = make_reply(conversation, text="We ship")
    live.run(live.process.watch.compare())
    Reply.objects.update(text="We ship everywhere.")
    live.run(live.process.watch.compare())
    assert stream.take(2) == both_parts(reply)


def test_a_draft_is_checked_and_never_sent(
    live: LiveServer, open_stream: Open, conversation: Conversation, webchat: Webchat
) -> None:
    Webchat.objects.update(is_autopilot=False)
    # Saved just before autopilot was turned off.
    make_reply(conversation, text="We ship")
    stream = open_stream()
    _, state = stream.take(2)
    assert state.data["replyState"] == "checking"
    live.run(live.process.watch.compare())
    events.typing(conversation, Author.REP, "Robin")
    assert stream.next().name == "typing"


def test_a_pending_draft_is_checked(open_stream: Open, conversation: Conversation) -> None:
    factories.DraftFactory.create(reply__conversation=conversation, conversation=conversation)
    _, state = open_stream().take(2)
    assert state.data["replyState"] == "checking"


@pytest.mark.parametrize("handler", ["waiting", "rep"])
def test_no_reply_is_shown_while_a_person_answers(
    open_stream: Open, conversation: Conversation, handler: str
) -> None:
    make_reply(conversation, text="We ship")
    Conversation.objects.update(handler=handler)
    stream = open_stream()
    _, state = stream.take(2)
    assert state.data["replyState"] is None
    events.typing(conversation, Author.REP, "Robin")
    assert stream.next().name == "typing"


def test_messages_have_the_text_so_far(
    conversation: Conversation, webchat: Webchat, session: Session
) -> None:
    reply = make_reply(conversation, text="We ship")
    headers = {"authorization": f"Bearer {session.token}"}
    document = Client(headers=headers).get(f"/widget/{webchat.pk}/messages").json()
    assert document["reply"] == {"replyId": reply.pk, "text": "We ship"}
    assert document["replyState"] == "writing"
