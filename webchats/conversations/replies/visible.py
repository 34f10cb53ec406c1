"""What a visitor may see of a reply that is being made: its state, and its text with autopilot."""

from collections.abc import Collection
from typing import Final, NamedTuple, TypedDict

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
    """Return what the visitor may see. At most two queries, none unless the AI is the handler."""
    if conversation.state != State.OPEN or conversation.handler != Handler.AI:
        return NO_REPLY
    state = WRITING if is_autopilot(conversation) else CHECKING
    running = Reply.objects.running().filter(conversation=conversation).first()
    if running is not None:
        if running.is_draft or state == CHECKING:
            return VisibleReply(CHECKING, None)
        return VisibleReply(WRITING, {"replyId": running.pk, "text": running.text})
    if Draft.objects.pending().filter(conversation=conversation).exists():
        return VisibleReply(CHECKING, None)
    # Unanswered, so there is a job. The sweep replaces one that was lost.
    is_due = conversation.last_message_author == Author.VISITOR
    return VisibleReply(state, None) if is_due else NO_REPLY


def load_partial_replies(
    webchat_ids: Collection[str], visitor_ids: Collection[str]
) -> list[tuple[Conversation, PartialReplyDocument]]:
    """Return the replies that these visitors may read while they are made. One query."""
    running = Reply.objects.running().filter(
        is_draft=False,
        conversation__webchat__in=webchat_ids,
        conversation__visitor_id__in=visitor_ids,
        conversation__state=State.OPEN,
        conversation__handler=Handler.AI,
    )
    return [
        (reply.conversation, {"replyId": reply.pk, "text": reply.text})
        for reply in running.exclude(text="").select_related("conversation__webchat")
        if is_autopilot(reply.conversation)
    ]
