"""Locking of the rows of conversations and contacts, and saving of a conversation.

An action that locks both locks the conversation first. A locked row is read without joins: after a
wait, PostgreSQL reads it again, but joins the other rows as they were before.
"""

from webchats.conversations.errors import ContactGone, ConversationClosed, ConversationDeleted
from webchats.conversations.events import conversation_changed
from webchats.conversations.message_queries import lock_by_id
from webchats.conversations.models import Contact, Conversation
from webchats.conversations.models.deletion import DETACHED
from webchats.conversations.transitions import State


def lock(conversation: Conversation) -> Conversation:
    """Return the row as it is now, locked until the transaction ends.

    Raise ``ConversationDeleted`` if it has been deleted, or is being deleted.
    """
    locked = lock_by_id(conversation.pk)
    if locked is None or locked.visitor_id == DETACHED:
        raise ConversationDeleted
    return locked


def lock_contact(contact_id: str) -> Contact:
    """Return the contact as it is now, locked until the transaction ends.

    Raise ``ContactGone`` if it was merged into another one, or deleted.
    """
    rows = Contact.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.filter(pk=contact_id).first()
    if locked is None:
        raise ContactGone
    return locked


def lock_open(conversation: Conversation) -> Conversation:
    """Return the locked row. Raise ``ConversationClosed`` if the conversation is closed."""
    locked = lock(conversation)
    require_open(locked)
    return locked


def require_open(conversation: Conversation) -> None:
    """Raise ``ConversationClosed`` if the conversation is closed."""
    if conversation.state == State.CLOSED:
        raise ConversationClosed


def save(conversation: Conversation, *columns: str) -> None:
    """Save what has changed in the locked row, or these columns, and publish it on commit."""
    conversation.save(update_fields=[*(columns or conversation.changed_columns()), "updated_at"])
    conversation_changed(conversation)
