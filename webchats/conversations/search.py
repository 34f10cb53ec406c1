"""Search for contacts and conversations."""

from typing import Final

from django.db.models import Q, QuerySet

from webchats.conversations.models import Contact, Conversation
from webchats.search import UNINDEXED_ROWS, field_contains, search_fields

#: The fields in which contacts are searched. The index ``contact_search`` has them.
CONTACT_FIELDS: Final = ("name", "email", "phone")


def search_contacts(contacts: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Return the contacts with ``text`` in name, e-mail address or phone number."""
    return search_fields(contacts, text, CONTACT_FIELDS, newest="-last_seen_at")


def search_conversations(
    conversations: QuerySet[Conversation], contacts: QuerySet[Contact], text: str
) -> QuerySet[Conversation]:
    """Return the conversations of the contacts with ``text``, or with it in their last message.

    Last messages have no index, so that appending a message stays fast: only those of the newest
    conversations are searched.
    """
    newest = conversations.order_by("-last_message_at", "-pk")[:UNINDEXED_ROWS].values("pk")
    in_last_message = field_contains(text, ("last_message_preview",))
    # In a query of its own, because PostgreSQL would test it for every conversation.
    recent = conversations.order_by().filter(in_last_message, pk__in=newest).values("pk")
    found = search_contacts(contacts, text).order_by().values("pk")
    return conversations.filter(Q(contact__in=found) | Q(pk__in=recent))
