"""Requests for the jobs that notify representatives of a conversation."""

from typing import Final

from organizations.jobs import queue
from webchats.conversations.models import Conversation, PushSubscription
from webchats.conversations.notifications.recipients import needs_rep
from webchats.conversations.notifications.vapid import get_public_key

#: The kind of the job that notifies devices. Its key is the id of the conversation.
PUSH_JOB: Final = "push"
#: That of the job that notifies one device, whose push service was unavailable. Its key is the ids
#: of the conversation and of the subscription.
PUSH_RETRY_JOB: Final = "push_retry"
#: Seconds without another message after which devices are notified, and at most since the first.
_DELAY_SECONDS: Final = 1
_AT_MOST_SECONDS: Final = 5


def request_notifications(conversation: Conversation) -> None:
    """Let a worker notify representatives if the conversation needs one.

    The caller has locked the conversation, and saves it in the same transaction. Without a device
    in the organization, nothing is requested.
    """
    if get_public_key() is None or not needs_rep(conversation):
        return
    organization_id = conversation.organization_id
    if PushSubscription.objects.for_organization(organization_id).exists():
        queue.enqueue(
            PUSH_JOB,
            key=conversation.pk,
            organization_id=organization_id,
            delay=_DELAY_SECONDS,
            at_most=_AT_MOST_SECONDS,
        )
