"""The events that the services publish for open streams.

An event is a hint: it contains the id of the changed conversation. The live process reads the rows
itself, so that a lost or repeated hint has no visible effect. The only text in hints is that of a
reply that the visitor may read while it is written.
"""

from functools import partial
from typing import NamedTuple

from django.db import transaction

from organizations.models import User
from webchats.conversations.live.publishing import Hint, publish
from webchats.conversations.models import Author, Conversation, Draft


def conversation_changed(conversation: Conversation) -> None:
    """Publish on commit that the conversation has new messages or another state."""
    hint = _hint_for(conversation, "conversation")
    transaction.on_commit(partial(publish, hint))


def visitor_erased(conversation: Conversation) -> None:
    """Publish on commit that nothing is left of the visitor, so that their streams end."""
    hint = _hint_for(conversation, "erased")
    transaction.on_commit(partial(publish, hint))


def typing(conversation: Conversation, author: Author, author_name: str) -> None:
    """Publish at once that the visitor or a representative is typing. Nothing is stored."""
    hint = _hint_for(conversation, "typing")
    publish({**hint, "author": author.value, "authorName": author_name})


def presence_changed(
    conversation: Conversation, user: User, *, seconds: float, is_typing: bool = False
) -> None:
    """Publish at once, for staff only, that ``user`` looks at the conversation for ``seconds``.

    With 0 seconds, that they do not any more.
    """
    hint = _hint_for(conversation, "presence")
    who: Hint = {**hint, "userId": user.pk, "authorName": user.public_name}
    publish({**who, "seconds": seconds, "isTyping": is_typing})


class ReplyPart(NamedTuple):
    """Text that follows at an offset of a running reply, which is no draft."""

    conversation: Conversation
    reply_id: str
    offset: int
    text: str


def reply_progress(*parts: ReplyPart) -> None:
    """Publish the new text of replies at once, in one batch. Never for a draft.

    Without hints, live processes find the text in the reply, where it is saved once a second.
    """
    hints: list[Hint] = [
        {
            **_hint_for(part.conversation, "reply"),
            "replyId": part.reply_id,
            "offset": part.offset,
            "text": part.text,
        }
        for part in parts
    ]
    publish(*hints)


def draft_changed(conversation: Conversation, draft: Draft) -> None:
    """Publish on commit, for staff only, that a draft has another state. Without its text."""
    hint = _hint_for(conversation, "draft")
    hint = {**hint, "draftId": draft.pk, "draftState": draft.state}
    transaction.on_commit(partial(publish, hint))


def _hint_for(conversation: Conversation, kind: str) -> Hint:
    return {
        "type": kind,
        "organization": conversation.organization_id,
        "webchat": conversation.webchat_id,
        "conversation": conversation.pk,
        "visitor": conversation.visitor_id,
        "lastSequence": conversation.last_sequence,
    }
