"""The tasks of workers: replies that were lost, and inactive conversations."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from organizations.jobs import queue
from organizations.models import Job
from tests.support import factories
from webchats.conversations.models import Conversation
from webchats.conversations.periodic_tasks import (
    close_inactive_conversations,
    request_lost_replies,
)
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def create(webchat: Webchat, *, seconds: float = 11, **values: Any) -> Conversation:
    """Create a conversation that the AI has not answered for some seconds."""
    last_message_at = timezone.now() - timedelta(seconds=seconds)
    return factories.ConversationFactory.create(
        webchat=webchat, **{"handler": "ai", "last_message_at": last_message_at, **values}
    )


def requested() -> list[str]:
    request_lost_replies()
    return [job.key for job in queue.claim(["reply"], 10)]


def test_unanswered_conversation_without_a_job_gets_one(webchat: Webchat) -> None:
    conversation = create(webchat)
    assert requested() == [conversation.pk]


@pytest.mark.parametrize(
    "values",
    [
        {"seconds": 5},
        {"handler": "waiting"},
        {"handler": "rep"},
        {"last_message_author": "ai"},
        {"state": "closed"},
    ],
    ids=str,
)
def test_no_reply_is_requested_otherwise(webchat: Webchat, values: dict[str, Any]) -> None:
    create(webchat, **values)
    assert requested() == []


def test_no_reply_is_requested_while_a_job_runs_or_waits(webchat: Webchat) -> None:
    conversation = create(webchat)
    queue.enqueue("reply", key=conversation.pk, organization_id=conversation.organization_id)
    queue.claim(["reply"])
    request_lost_replies()
    assert Job.objects.get().requested == 1


def test_a_stale_draft_is_replaced_when_nobody_edits_it(webchat: Webchat) -> None:
    conversation = create(webchat)
    later = timezone.now() + timedelta(minutes=1)
    draft = factories.DraftFactory.create(
        conversation=conversation, reply__conversation=conversation, editing_until=later
    )
    assert requested() == []
    draft.is_stale = True
    draft.save()
    assert requested() == []
    draft.editing_until = timezone.now()
    draft.save()
    assert requested() == [conversation.pk]


def test_inactive_conversation_is_closed(webchat: Webchat) -> None:
    conversation = create(webchat, seconds=25 * 3600)
    close_inactive_conversations()
    conversation.refresh_from_db()
    assert conversation.state == "closed"
