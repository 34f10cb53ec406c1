"""Closing of conversations after a time without a message."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from tests.support import factories
from webchats.conversations import inactivity, services
from webchats.conversations.locking import lock
from webchats.conversations.models import Conversation
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def run_command() -> str:
    output = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("close_inactive_conversations", verbosity=2, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize(
    ("setting", "handler", "hours"),
    [(None, "ai", 24), (None, "waiting", 72), (None, "rep", 72), (2, "ai", 2), (2, "rep", 2)],
)
def test_conversation_without_a_message_for_too_long_is_closed(
    webchat: Webchat, setting: int | None, handler: str, hours: int
) -> None:
    webchat.organization.inactivity_hours = setting
    webchat.organization.save()

    def create(**silence: int) -> Conversation:
        last = NOW - timedelta(hours=hours) + timedelta(**silence)
        return factories.ConversationFactory.create(
            webchat=webchat, handler=handler, last_message_at=last
        )

    silent, recent = create(), create(seconds=1)
    assert run_command() == f"closed {silent.pk}\nclosed 1\n"
    silent.refresh_from_db()
    recent.refresh_from_db()
    assert (silent.state, silent.closed_at, recent.state) == ("closed", NOW, "open")
    assert silent.closed_by == "system"
    assert silent.messages.get().event == "closed"
    assert run_command() == "closed 0\n"
    assert silent.messages.count() == 1


def test_hours_of_zero_keep_conversations_open(webchat: Webchat) -> None:
    webchat.organization.inactivity_hours = 0
    webchat.organization.save()
    factories.ConversationFactory.create(webchat=webchat, last_message_at=NOW - timedelta(days=999))
    assert run_command() == "closed 0\n"


def test_every_batch_is_closed(webchat: Webchat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inactivity, "BATCH", 2)
    factories.ConversationFactory.create_batch(
        5, webchat=webchat, last_message_at=NOW - timedelta(9)
    )
    assert run_command().endswith("closed 5\n")


def test_conversation_with_a_message_since_it_was_found_stays_open(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = factories.ConversationFactory.create(
        webchat=webchat, last_message_at=NOW - timedelta(days=9)
    )

    def answer_first(conversation: Conversation) -> Any:
        services.send_visitor_message(
            webchat=webchat, visitor_id=old.visitor_id, text="Hello?", client_key="1"
        )
        return lock(conversation)

    monkeypatch.setattr("webchats.conversations.inactivity.lock", answer_first)
    assert run_command() == "closed 0\n"
    old.refresh_from_db()
    assert old.state == "open"
