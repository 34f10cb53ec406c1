"""Conversations of one visitor, for the tests of replies."""

from collections.abc import Callable
from typing import Any

from django.db import connection

from webchats.conversations import services
from webchats.conversations.models import Conversation, Message
from webchats.models import Webchat

VISITOR = "a" * 32


def send(webchat: Webchat, text: str = "Hello", **options: Any) -> Conversation:
    """Send a message of the visitor, and return the conversation."""
    visitor = options.pop("visitor_id", VISITOR)
    sent = services.send_visitor_message(
        webchat=webchat,
        visitor_id=visitor,
        text=text,
        client_key=f"key-{Message.objects.count()}",
        **options,
    )
    return sent.message.conversation


def get_log(conversation: Conversation) -> list[str]:
    """Return the messages of a conversation as ``author: text or event``, in order."""
    rows = Message.objects.filter(conversation=conversation).order_by("sequence")
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [f"{row.author}: {row.text or row.event}" for row in rows]


def in_thread(action: Callable[[], object]) -> Callable[[], None]:
    """Return a function that closes the connection which its thread has opened."""

    def run() -> None:
        try:
            action()
        finally:
            connection.close()

    return run
