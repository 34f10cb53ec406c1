"""What a visitor may see of a reply that is being made: its state, and its text with autopilot."""

from collections.abc import Collection
from typing import Final, NamedTuple, TypedDict

from django.db.models import prefetch_related_objects

from webchats.conversations.models import Author, Conversation, Draft, Reply
from webchats.conversations.replies.availability import is_autopilot
from webchats.conversations.transitions import Handler, State

#: A reply is queued, or is being made for the visitor.
WRITING: Final = "writing"
#: A draft is queued, is being made, or waits for approval.
CHECKING: Final = "checking"


class PartialReplyDocument(TypedDict):
    """The text of a reply so far, which may be empty."""

    replyId: str
    text: str


class VisibleReply(NamedTuple):
    """The state of the next reply, ``None`` if none is due, and its text, ``None`` for a draft."""

    state: str | None
    partial: PartialReplyDocument | None


NO_REPLY: Final = VisibleReply(None, None)


def load_visible_reply(conversation: Conversation) -> VisibleReply:
    """Return the visible part of the reply, as ``load_visible_replies`` does."""
    return load_visible_replies([conversation])[conversation.pk]


def load_visible_replies(conversations: Collection[Conversation]) -> dict[str, VisibleReply]:
    """Return the visible parts of replies, by conversation.

    Three queries at most, however many conversations. None unless the AI handles one of them.
    """
    replies = {conversation.pk: NO_REPLY for conversation in conversations}
    answered = [row for row in conversations if row.is_answered_by_ai]
    if not answered:
        return replies
    # Where ``is_autopilot`` of the conversation does not decide.
    prefetch_related_objects([row for row in answered if row.is_autopilot is None], "webchat")
    running = {
        row.conversation_id: row
        for row in Reply.objects.running().filter(conversation__in=[row.pk for row in answered])
    }
    others = [row.pk for row in answered if row.pk not in running]
    drafts = Draft.objects.pending().filter(conversation__in=others)
    drafted = set(drafts.values_list("conversation_id", flat=True))
    for row in answered:
        replies[row.pk] = _visible(row, running.get(row.pk), has_draft=row.pk in drafted)
    return replies


def _visible(conversation: Conversation, running: Reply | None, *, has_draft: bool) -> VisibleReply:
    state = WRITING if is_autopilot(conversation) else CHECKING
    if running is not None:
        if running.is_draft or state == CHECKING:
            return VisibleReply(CHECKING, None)
        return VisibleReply(WRITING, {"replyId": running.pk, "text": running.text})
    if has_draft:
        return VisibleReply(CHECKING, None)
    # Unanswered, so there is a job. The sweep replaces one that was lost.
    is_due = conversation.last_message_author == Author.VISITOR
    return VisibleReply(state, None) if is_due else NO_REPLY


def load_partial_replies(
    organization_ids: Collection[str],
) -> list[tuple[Conversation, PartialReplyDocument]]:
    """Return the replies that visitors may read while they are made, in one query.

    Workers make a limited number at a time.
    """
    running = Reply.objects.running().filter(
        is_draft=False,
        conversation__organization__in=organization_ids,
        conversation__state=State.OPEN,
        conversation__handler=Handler.AI,
    )
    return [
        (reply.conversation, {"replyId": reply.pk, "text": reply.text})
        for reply in running.exclude(text="").select_related("conversation__webchat")
        if is_autopilot(reply.conversation)
    ]
