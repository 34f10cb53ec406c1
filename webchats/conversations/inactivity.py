"""Closing of conversations after a time without a message."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import models, transaction
from django.utils import timezone

from organizations.models import Organization
from webchats.conversations import services
from webchats.conversations.errors import ConversationDeleted
from webchats.conversations.locking import lock
from webchats.conversations.models import Conversation
from webchats.conversations.transitions import ClosedBy, Handler, State

#: The hours by handler, for organizations that have not set ``inactivity_hours``.
_DEFAULT_HOURS: Final = {Handler.AI: 24, Handler.WAITING: 72, Handler.REP: 72}
BATCH: Final = 500


def close_inactive() -> Iterator[Conversation]:
    """Close the open conversations that had no message for too long, and yield each.

    Each is closed in a transaction of its own. Other processes may do the same.
    """
    now = timezone.now()
    inactive = Conversation.objects.open().filter(_is_inactive(now)).order_by("pk")
    last = ""
    while batch := list(inactive.filter(pk__gt=last)[:BATCH]):
        for conversation in batch:
            if _close(conversation):
                yield conversation
        last = batch[-1].pk


def _is_inactive(now: datetime) -> models.Q:
    hours_set = Organization.objects.exclude(inactivity_hours=None).exclude(inactivity_hours=0)
    condition = models.Q(pk__in=[])
    for hours in hours_set.order_by().values_list("inactivity_hours", flat=True).distinct():
        assert hours is not None
        condition |= models.Q(
            organization__inactivity_hours=hours, last_message_at__lte=now - timedelta(hours=hours)
        )
    for handler, hours in _DEFAULT_HOURS.items():
        condition |= models.Q(
            organization__inactivity_hours=None,
            handler=handler,
            last_message_at__lte=now - timedelta(hours=hours),
        )
    return condition


@transaction.atomic
def _close(found: Conversation) -> bool:
    """Close the conversation unless it has changed since it was found."""
    try:
        conversation = lock(found)
    except ConversationDeleted:
        return False
    is_same = (conversation.last_message_at, conversation.handler) == (
        found.last_message_at,
        found.handler,
    )
    if conversation.state != State.OPEN or not is_same:
        return False
    services.close(conversation=conversation, by=ClosedBy.SYSTEM)
    return True
