"""Search for contacts and conversations."""

from collections import Counter
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from webchats.conversations.message_search import find_words, search_messages, texts_contain
from webchats.conversations.models import Contact, Conversation, ConversationQuerySet, Message
from webchats.search import UNINDEXED_ROWS, field_contains, search_fields

#: The fields in which contacts are searched. The index ``contact_search`` has them.
CONTACT_FIELDS: Final = ("name", "email", "phone")
#: Rows that are read from each index.
MAX_HITS: Final = 1_000
#: A text that is in so many of the newest ``UNINDEXED_ROWS`` conversations is not searched in older
#: ones: reading a third of an index takes longer than all the rest.
FREQUENT: Final = 300


def search_contacts(contacts: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Return the contacts with ``text`` in name, e-mail address or phone number."""
    return search_fields(contacts, text, CONTACT_FIELDS, newest="-last_seen_at")


def search_conversations(
    conversations: QuerySet[Conversation],
    searched: ConversationQuerySet[Conversation],
    organization_id: str | None,
    text: str,
) -> tuple[QuerySet[Conversation], bool]:
    """Return the conversations with all words of ``text`` in a message, or ``text`` in the contact.

    The second value is whether these are all. They are in the newest ``UNINDEXED_ROWS`` of
    ``conversations``, where a part of a word is enough. Older ones are found by indexes unless the
    text is ``FREQUENT``, and at most ``MAX_HITS`` rows are read from each. ``searched`` are the
    conversations of the organization, or all of them for ``None``.
    """
    contacts = Contact.objects.all()
    if organization_id is not None:
        contacts = contacts.for_organization(organization_id)
    found = search_contacts(contacts, text).order_by()
    recent = _search_newest(conversations, text)
    searched = searched.order_by()
    if connection.vendor != "postgresql":
        of_contacts = searched.filter(contact__in=found.values("pk"))
        hits = of_contacts.values_list("pk").union(recent.values_list("pk"))
        return conversations.filter(pk__in=hits), True
    # As values: the planner would not know that they are few, and read every conversation.
    pks = set(recent.values_list("pk", flat=True))
    is_complete = len(pks) < FREQUENT
    if is_complete:
        of_contacts = searched.filter(contact__in=found.values("pk")[:MAX_HITS])
        older = _read_hits(of_contacts, find_words(text), organization_id)
        is_complete = max(Counter(index for _, index in older).values(), default=0) < MAX_HITS
        pks |= {pk for pk, _ in older}
    return conversations.filter(pk__in=pks), is_complete


def _read_hits(
    of_contacts: QuerySet[Conversation], words: list[str], organization_id: str | None
) -> list[tuple[str, str]]:
    """Return ids of conversations that the indexes find, each with the name of the index."""
    # Any: rows of two models.
    hits: QuerySet[Any, Any] = of_contacts.values_list("pk", Value("contacts"))[:MAX_HITS]
    if words:
        messages = search_messages(words, organization_id)
        rows = messages.values_list("conversation_id", Value("messages"))[:MAX_HITS]
        hits = hits.union(rows, all=True)
    return list(hits)


def _search_newest(conversations: QuerySet[Conversation], text: str) -> QuerySet[Conversation]:
    """Return those of the newest conversations that have ``text`` in a message or the contact."""
    newest = conversations.order_by("-last_message_at", "-pk")[:UNINDEXED_ROWS].values("pk")
    words = find_words(text)
    in_text = texts_contain(words, "text") if words else field_contains(text, ("text",))
    messages = Message.objects.filter(in_text, conversation=OuterRef("pk")).order_by()
    fields = ("last_message_preview", *(f"contact__{name}" for name in CONTACT_FIELDS))
    # In a query of its own, because PostgreSQL would test it for every conversation.
    rows = Conversation.objects.filter(pk__in=newest).order_by()
    return rows.filter(field_contains(text, fields) | Q(Exists(messages)))
