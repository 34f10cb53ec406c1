"""The events that the services publish for open streams.

An event is a hint without text: it says which conversation changed. The live process reads the
rows itself, so that a lost or repeated hint changes nothing that anyone sees.
"""

from functools import partial

from django.db import transaction

from webchats.conversations.live.publishing import Hint, publish
from webchats.conversations.models import Author, Conversation


def conversation_changed(conversation: Conversation) -> None:
    """Publish on commit that the conversation has new messages or another state."""
    hint = _hint_for(conversation, "conversation")
    transaction.on_commit(partial(publish, hint))


def typing(conversation: Conversation, author: Author, author_name: str) -> None:
    """Publish at once that the visitor or a representative is typing. Nothing is stored."""
    hint = _hint_for(conversation, "typing")
    publish({**hint, "author": author.value, "authorName": author_name})


def _hint_for(conversation: Conversation, kind: str) -> Hint:
    return {
        "type": kind,
        "organization": conversation.organization_id,
        "webchat": conversation.webchat_id,
        "conversation": conversation.pk,
        "visitor": conversation.visitor_id,
        "lastSequence": conversation.last_sequence,
    }
