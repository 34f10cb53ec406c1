"""Requests for replies, and the end of obsolete replies and drafts.

All functions change rows of a conversation that the caller has locked. A running reply and a
pending draft exist only while the AI is the handler of an open conversation.
"""

from typing import Final

from django.conf import settings
from django.db import models
from django.utils import timezone

from organizations.jobs import queue
from webchats.conversations.events import draft_changed
from webchats.conversations.models import Conversation, Draft, DraftState, Reply, ReplyState

#: The kind of the job that makes a reply. Its key is the id of the conversation.
JOB_KIND: Final = "reply"


def request_reply(conversation: Conversation, *, delay: float | None = None) -> None:
    """Let a worker reply, by default when the visitor has stopped writing for a moment."""
    queue.enqueue(
        JOB_KIND,
        key=conversation.pk,
        organization_id=conversation.organization_id,
        delay=settings.AI_DEBOUNCE_SECONDS if delay is None else delay,
        at_most=settings.AI_DEBOUNCE_AT_MOST_SECONDS,
    )


def discard_replies(conversation: Conversation) -> None:
    """Discard the running reply and supersede the pending draft, if there are any."""
    discard_running(conversation)
    for draft in Draft.objects.pending().filter(conversation=conversation):
        supersede(conversation, draft)


def discard_running(conversation: Conversation) -> None:
    """Discard the running reply, if there is one."""
    running = Reply.objects.running().filter(conversation=conversation)
    running.update(state=ReplyState.DISCARDED, updated_at=timezone.now())


def supersede(conversation: Conversation, draft: Draft) -> None:
    """Supersede the pending draft of the conversation. The caller saves its count."""
    draft.state, draft.decided_at = DraftState.SUPERSEDED, timezone.now()
    conversation.drafts_superseded += 1
    change_draft(conversation, draft, "state", "decided_at")


def change_draft(conversation: Conversation, draft: Draft, *columns: str) -> None:
    """Save columns of the draft as its next version, and publish it on commit."""
    draft.version += 1
    draft.save(update_fields=[*columns, "version", "updated_at"])
    draft_changed(conversation, draft)


def outdate_draft(conversation: Conversation) -> None:
    """Supersede the pending draft because the visitor has written, or mark it if it is edited."""
    for draft in Draft.objects.pending().filter(conversation=conversation):
        if not draft.is_being_edited:
            supersede(conversation, draft)
        elif not draft.is_stale:
            draft.is_stale = True
            draft.save(update_fields=["is_stale", "updated_at"])
            draft_changed(conversation, draft)


def turn_into_drafts(replies: models.QuerySet[Reply]) -> None:
    """Let the running replies become drafts, whose text no visitor gets from now on."""
    running = replies.filter(state=ReplyState.RUNNING, is_draft=False)
    running.update(is_draft=True, text="", updated_at=timezone.now())
