"""The models of conversations: contacts, conversations, messages and notes."""

from webchats.conversations.models.contact import Contact
from webchats.conversations.models.conversation import Conversation
from webchats.conversations.models.message import Author, Message, MessageKind
from webchats.conversations.models.note import Note

__all__ = ["Author", "Contact", "Conversation", "Message", "MessageKind", "Note"]
