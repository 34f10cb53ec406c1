"""The tasks that workers repeat. Several workers may run each at the same time."""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from organizations.models import Job
from webchats.conversations.inactivity import close_inactive
from webchats.conversations.models import Author, ContactMerge, Conversation, Draft
from webchats.conversations.replies.requests import JOB_KIND, request_reply
from webchats.conversations.transitions import Handler

logger = logging.getLogger("worker")

#: Seconds without an answer and without a job after which a reply is requested again.
LOST_SECONDS: Final = 10
#: Conversations for which one call requests replies.
_BATCH: Final = 500


def request_lost_replies() -> None:
    """Request replies for conversations that the AI should answer and for which there is no job.

    Such as of a job that was deleted after too many failures.
    """
    now = timezone.now()
    jobs = Job.objects.filter(kind=JOB_KIND, key=OuterRef("pk"))
    # A stale draft is replaced when it is no longer being edited.
    drafts = Draft.objects.pending().filter(
        Q(is_stale=False) | Q(editing_until__gt=now), conversation=OuterRef("pk")
    )
    lost = Conversation.objects.open().filter(
        ~Exists(jobs),
        ~Exists(drafts),
        handler=Handler.AI,
        last_message_author=Author.VISITOR,
        last_message_at__lt=now - timedelta(seconds=LOST_SECONDS),
    )
    for conversation in lost.order_by("last_message_at")[:_BATCH]:
        logger.warning("The conversation %s has no job for its reply.", conversation.pk)
        request_reply(conversation, delay=0)


def close_inactive_conversations() -> None:
    """Close the conversations that had no message for too long."""
    count = sum(1 for _ in close_inactive())
    if count:
        logger.info("Inactive conversations are closed.", extra={"fields": {"count": count}})


def delete_undo_data() -> None:
    """Delete the values of contacts in merges that cannot be undone any more."""
    expired = ContactMerge.objects.expired()
    count = expired.update(removed_values=None, kept_values=None)
    if count:
        logger.info("Merges of contacts are final.", extra={"fields": {"count": count}})
