"""Fixtures of the inbox: a conversation, its pages, and clients."""

from typing import Any, Protocol

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from organizations.models import User
from tests.support.clients import log_in
from webchats.conversations import services
from webchats.conversations.models import Conversation, Message
from webchats.models import Webchat

VISITOR = "a" * 32


def write(webchat: Webchat, text: str = "Hello", visitor_id: str = VISITOR) -> Conversation:
    """Send a message as a visitor, whose name is Ada, and return the conversation."""
    sent = services.send_visitor_message(
        webchat=webchat,
        visitor_id=visitor_id,
        text=text,
        client_key=f"key-{Message.objects.count()}",
        contact={"name": "Ada"},
    )
    return sent.message.conversation


def answer(conversation: Conversation, user: User, text: str = "Hi") -> None:
    """Answer as a representative."""
    key = f"answer-{Message.objects.count()}"
    services.send_rep_message(conversation=conversation, user=user, text=text, client_key=key)


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """A conversation of the organization of ``admin``, with one message of Ada."""
    return write(webchat)


class Act(Protocol):
    """Submits a form of the conversation's page."""

    def __call__(self, name: str, data: dict[str, Any] | None = None, **options: Any) -> Any: ...


@pytest.fixture
def act(rep: User, conversation: Conversation) -> Act:
    """``act("send", {"text": "Hi"})`` submits a form as ``rep``, who has seen every message."""
    client = log_in(rep)

    def submit(name: str, data: dict[str, Any] | None = None, **options: Any) -> HttpResponse:
        conversation.refresh_from_db()
        values: dict[str, Any] = {
            "mode": "reply",
            "client_key": "key",
            "after": conversation.last_sequence,
        }
        # The page shows the newest draft.
        values["draft"] = conversation.drafts.values_list("pk", flat=True).first() or ""
        url = reverse(f"inbox:{name}", args=[conversation.pk])
        response = client.post(url, values | (data or {}), **options)
        conversation.refresh_from_db()
        assert isinstance(response, HttpResponse)
        return response

    return submit


@pytest.fixture
def rep_client(rep: User) -> Client:
    """A client with a session of ``rep``."""
    return log_in(rep)
