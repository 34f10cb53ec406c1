"""Decisions of representatives about the AI's drafts.

Each has the version of the draft that its author has seen. Of two decisions at once, the second one
raises ``DraftChanged``.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from organizations.models import User
from webchats.conversations.appending import append
from webchats.conversations.errors import DraftChanged
from webchats.conversations.facts import record_sent_draft
from webchats.conversations.locking import lock, lock_open, save
from webchats.conversations.models import (
    Author,
    Conversation,
    Draft,
    DraftState,
    Message,
    RejectionReason,
    Reply,
    ReplyState,
)
from webchats.conversations.replies.requests import change_draft, request_reply
from webchats.conversations.services.handlers import hand_over_locked
from webchats.conversations.transitions import Action
from webchats.conversations.validation import normalize_line_ends

#: A draft counts as edited for this time after ``edit_draft``, which editors call again meanwhile.
EDITED_FOR: Final = timedelta(seconds=60)


@transaction.atomic
def approve_draft(*, draft: Draft, user: User, version: int, text: str | None = None) -> Message:
    """Send the draft to the visitor, or ``text`` instead, which must have passed ``validation``.

    A text that differs in its line ends only is no edit. The AI stays the author and the handler.
    Raise ``DraftChanged`` unless the draft is pending and has this version, and
    ``ConversationClosed`` if the conversation is closed.
    """
    conversation = lock_open(draft.conversation)
    locked = _lock_pending(draft, version)
    if text is None or normalize_line_ends(text) == normalize_line_ends(locked.text):
        text = locked.text
    message = append(
        conversation,
        author=Author.AI,
        author_name=conversation.organization.public_title,
        text=text,
        approved_by=user,
        reply=locked.reply,
    )
    Reply.objects.filter(pk=locked.reply_id).update(
        state=ReplyState.SENT, updated_at=timezone.now()
    )
    locked.sent_text = message.text
    record_sent_draft(conversation, locked, message.text)
    _decide(conversation, locked, user, DraftState.SENT, "sent_text")
    if locked.is_stale:
        request_reply(conversation, delay=0)
    save(conversation)
    return message


@transaction.atomic
def reject_draft(
    *, draft: Draft, user: User, version: int, reason: RejectionReason | str, comment: str = ""
) -> Draft:
    """Reject the draft, and let a person answer the visitor, who gets nothing of it.

    Raise ``DraftChanged`` unless the draft is pending and has this version.
    """
    conversation = lock(draft.conversation)
    locked = _lock_pending(draft, version)
    locked.reason, locked.comment = reason, comment
    _decide(conversation, locked, user, DraftState.REJECTED, "reason", "comment")
    conversation.drafts_rejected += 1
    hand_over_locked(conversation, Action.HAND_OVER)
    save(conversation)
    return locked


@transaction.atomic
def edit_draft(*, draft: Draft, user: User, version: int) -> Draft:
    """Record that ``user`` is editing the draft, so that a new message does not supersede it.

    Raise ``DraftChanged`` unless the draft is pending and has this version, which stays the same.
    """
    conversation = lock(draft.conversation)
    locked = _lock_pending(draft, version)
    locked.editing_by, locked.editing_until = user, timezone.now() + EDITED_FOR
    locked.save(update_fields=["editing_by", "editing_until", "updated_at"])
    locked.conversation = conversation
    return locked


def _lock_pending(draft: Draft, version: int) -> Draft:
    """Return the row as it is now. The lock of the conversation orders its changes."""
    current = Draft.objects.select_related("reply").get(pk=draft.pk)
    if current.state != DraftState.PENDING or current.version != version:
        raise DraftChanged(current)
    return current


def _decide(
    conversation: Conversation, draft: Draft, user: User, state: DraftState, *columns: str
) -> None:
    draft.state, draft.decided_by, draft.decided_at = state, user, timezone.now()
    draft.conversation = conversation
    change_draft(conversation, draft, "state", "decided_by", "decided_at", *columns)
