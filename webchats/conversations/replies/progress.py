"""A running reply: whether it may go on, and its text so far."""

from typing import NamedTuple

from django.db.models import Exists, OuterRef
from django.utils import timezone

from organizations.ai.text import remove_unstorable
from webchats.conversations.models import Author, Message, Reply
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.replies.availability import is_autopilot
from webchats.conversations.replies.requests import turn_into_drafts
from webchats.conversations.transitions import Handler, State


class Standing(NamedTuple):
    """Whether a running reply may go on, and who may read it."""

    #: A person answers, the conversation is closed, or another process has started over.
    is_ended: bool = False
    #: The visitor has written since it began.
    is_outdated: bool = False
    #: It must be approved before the visitor gets it.
    is_draft: bool = False


def get_standing(reply_id: str) -> Standing:
    """Return whether a reply may go on. If autopilot is off now, the reply becomes a draft."""
    newer = Message.objects.filter(
        conversation=OuterRef("conversation"),
        author=Author.VISITOR,
        sequence__gt=OuterRef("based_on_sequence"),
    )
    rows = Reply.objects.running().select_related("conversation__webchat")
    reply = rows.annotate(is_outdated=Exists(newer)).filter(pk=reply_id).first()
    if reply is None:
        return Standing(is_ended=True)
    conversation = reply.conversation
    if conversation.state != State.OPEN or conversation.handler != Handler.AI:
        return Standing(is_ended=True)
    becomes_draft = not reply.is_draft and not is_autopilot(conversation)
    if becomes_draft:
        turn_into_drafts(Reply.objects.filter(pk=reply_id))
    return Standing(is_outdated=reply.is_outdated, is_draft=reply.is_draft or becomes_draft)


def save_text(reply_id: str, text: str) -> None:
    """Store the text that the visitor has been shown, unless the reply has ended or is a draft."""
    shown = Reply.objects.running().filter(pk=reply_id, is_draft=False)
    shown.update(text=text, updated_at=timezone.now())


def clean_text(text: str) -> str:
    """Return the text as it is stored: without what cannot be, and as long as a message."""
    return remove_unstorable(text)[:MAX_TEXT_LENGTH]
