"""Search for contacts and conversations."""

from typing import Any, Final

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from webchats.conversations.message_search import find_words, search_messages, texts_contain
from webchats.conversations.models import Contact, Conversation, ConversationQuerySet, Message
from webchats.search import UNINDEXED_ROWS, field_contains, search_fields

#: The fields in which contacts are searched. The index ``contact_search`` has them.
CONTACT_FIELDS: Final = ("name", "email", "phone")
#: Rows that are read from each index. More match a frequent text only: see
#: ``search_conversations``.
MAX_HITS: Final = 1_000


def search_contacts(contacts: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Return the contacts with ``text`` in name, e-mail address or phone number."""
    return search_fields(contacts, text, CONTACT_FIELDS, newest="-last_seen_at")


def search_conversations(
    conversations: QuerySet[Conversation],
    searched: ConversationQuerySet[Conversation],
    organization_id: str | None,
    text: str,
) -> QuerySet[Conversation]:
    """Return the conversations with all words of ``text`` in a message, or ``text`` in the contact.

    ``searched`` are the conversations of the organization, or all of them for ``None``. Indexes
    find the messages and the contacts. A text that is in more than ``MAX_HITS`` of them is surely
    found in the newest ``UNINDEXED_ROWS`` conversations only. There, a part of a word is enough.
    """
    contacts = Contact.objects.all()
    if organization_id is not None:
        contacts = contacts.for_organization(organization_id)
    found = search_contacts(contacts, text).order_by()
    recent = _search_newest(searched, text).values_list("pk")
    searched = searched.order_by()
    if connection.vendor != "postgresql":
        of_contacts = searched.filter(contact__in=found.values("pk"))
        return conversations.filter(pk__in=of_contacts.values_list("pk").union(recent))
    # Any: rows of two models.
    hits: list[QuerySet[Any, Any]] = [
        searched.filter(contact__in=found.values("pk")[:MAX_HITS]).values_list("pk")[:MAX_HITS],
        recent,
    ]
    if words := find_words(text):
        messages = search_messages(words, organization_id)
        hits.append(messages.values_list("conversation_id")[:MAX_HITS])
    # As values: the planner would not know that they are few, and read every conversation.
    return conversations.filter(pk__in=[pk for (pk,) in hits[0].union(*hits[1:])])


def _search_newest(searched: QuerySet[Conversation], text: str) -> QuerySet[Conversation]:
    """Return those of the newest conversations that have ``text`` in a message."""
    newest = searched.order_by("-last_message_at", "-pk")[:UNINDEXED_ROWS].values("pk")
    words = find_words(text)
    in_text = texts_contain(words, "text") if words else field_contains(text, ("text",))
    messages = Message.objects.filter(in_text, conversation=OuterRef("pk")).order_by()
    in_preview = field_contains(text, ("last_message_preview",))
    # In a query of its own, because PostgreSQL would test it for every conversation.
    return searched.order_by().filter(in_preview | Q(Exists(messages)), pk__in=newest)
