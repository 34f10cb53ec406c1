"""Appending of messages and events to a conversation whose row is locked."""

from organizations.models import User
from webchats.conversations.facts import record_message
from webchats.conversations.models import Author, Conversation, Message, MessageKind, Reply
from webchats.conversations.models.conversation import PREVIEW_LENGTH


def append(
    conversation: Conversation,
    *,
    author: Author,
    author_name: str,
    text: str,
    user: User | None = None,
    client_key: str = "",
    reply: Reply | None = None,
    approved_by: User | None = None,
) -> Message:
    """Store the next message, and update the conversation in memory. The caller saves it.

    A message of the AI has the sources of its ``reply``. An author has read up to their message.
    """
    message = _store(
        Message(
            conversation=conversation,
            author=author,
            author_name=author_name,
            user=user,
            text=text,
            client_key=client_key,
            reply=reply,
            sources=reply.sources if reply else [],
            approved_by=approved_by,
        )
    )
    record_message(conversation, author, user, message.created_at)
    conversation.last_message_at = message.created_at
    conversation.last_message_author = author
    conversation.last_message_preview = " ".join(text.split())[:PREVIEW_LENGTH]
    if author == Author.VISITOR:
        conversation.visitor_read_sequence = message.sequence
        conversation.waiting_since = conversation.waiting_since or message.created_at
    else:
        conversation.organization_read_sequence = message.sequence
        conversation.first_reply_at = conversation.first_reply_at or message.created_at
        conversation.waiting_since = None
    return message


def append_event(
    conversation: Conversation, event: str, *, user: User | None = None, text: str = ""
) -> Message:
    """Store an event as the next message, such as ``closed``, ``reopened`` or ``joined``.

    ``user`` is the representative whose action it reports, and ``text`` replaces the text of the
    widget. An event does not make a conversation unread that was read.
    """
    had_read = conversation.unread == 0
    message = _store(
        Message(
            conversation=conversation,
            author=Author.SYSTEM,
            author_name=user.public_name if user else "",
            user=user,
            kind=MessageKind.EVENT,
            event=event,
            text=text,
        )
    )
    if had_read:
        conversation.organization_read_sequence = message.sequence
    return message


def _store(message: Message) -> Message:
    conversation = message.conversation
    message.organization_id = conversation.organization_id
    conversation.last_sequence += 1
    message.sequence = conversation.last_sequence
    message.save(force_insert=True)
    return message
