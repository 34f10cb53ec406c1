"""Search for contacts and conversations."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value

from webchats.conversations.message_search import find_words, search_messages, texts_contain
from webchats.conversations.models import Contact, Conversation, ConversationQuerySet, Message
from webchats.search import UNINDEXED_ROWS, field_contains, search_fields

#: The fields in which contacts are searched. The index ``contact_search`` has them.
CONTACT_FIELDS: Final = ("name", "email", "phone")
_NEWEST_FIRST: Final = ("-last_message_at", "-pk")
#: Rows that are read from each index.
MAX_HITS: Final = 1_000
#: The newest conversations that are always searched without an index.
FIRST_ROWS: Final = 500


def search_contacts(contacts: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Return the contacts with ``text`` in name, e-mail address or phone number."""
    return search_fields(contacts, text, CONTACT_FIELDS, newest="-last_seen_at")


def search_conversations(
    conversations: QuerySet[Conversation],
    searched: ConversationQuerySet[Conversation],
    organization_id: str | None,
    text: str,
    count: int | None = None,
) -> tuple[QuerySet[Conversation], bool]:
    """Return the conversations with all words of ``text`` in a message, or ``text`` in the contact.

    The second value is whether these are all. With ``count`` they are the newest of all, at most so
    many: those of a page, if ``conversations`` are the ones after its cursor.

    The ``FIRST_ROWS`` newest ones, or up to ``UNINDEXED_ROWS`` if ``count`` can be expected in
    them, are searched without an index: a page of a frequent text is full then. Only otherwise the
    indexes are read, because the lists of frequent words are long, and at most ``MAX_HITS`` rows of
    each. ``searched`` are the conversations of the organization, or all of them for ``None``.
    """
    contacts = Contact.objects.all()
    if organization_id is not None:
        contacts = contacts.for_organization(organization_id)
    found = search_contacts(contacts, text).order_by()
    searched = searched.order_by()
    if connection.vendor != "postgresql":
        recent = _search_newest(conversations, text, slice(0, UNINDEXED_ROWS))
        of_contacts = searched.filter(contact__in=found.values("pk"))
        hits = of_contacts.values_list("pk").union(recent.values_list("pk"))
        return conversations.filter(pk__in=hits), True
    newest = _read_newest(conversations, text, count)
    if count is not None and len(newest) >= count:
        page = [pk for _, pk in sorted(newest, reverse=True)[:count]]
        return conversations.filter(pk__in=page), True
    of_contacts = searched.filter(contact__in=found.values("pk")[:MAX_HITS])
    older = _read_hits(of_contacts, find_words(text), organization_id)
    is_complete = max(Counter(index for _, index in older).values(), default=0) < MAX_HITS
    # As values: the planner would not expect few of them, and would read every conversation.
    rows = conversations.filter(pk__in={pk for _, pk in newest} | {pk for pk, _ in older})
    if count is not None:
        rows = conversations.filter(pk__in=_newest_ids(rows, count))
    return rows, is_complete


# Any: the values of a query.
def _newest_ids(rows: QuerySet[Conversation], count: int) -> "QuerySet[Conversation, Any]":
    """Return a query for the ids of the newest rows.

    The planner would join all of them with the columns of a page, and then sort them.
    """
    # An expression: it would search the rows in the index of all conversations, newest first.
    moment = F("last_message_at") + timedelta()
    return rows.order_by(moment.desc(), "-pk").values("pk")[:count]


def _read_newest(
    conversations: QuerySet[Conversation], text: str, count: int | None
) -> set[tuple[datetime, str]]:
    """Return the time and the id of the newest conversations with the text."""
    found = set(_search_newest(conversations, text, slice(0, FIRST_ROWS)))
    is_frequent = count is None or len(found) * UNINDEXED_ROWS >= count * FIRST_ROWS
    if is_frequent and not (count and len(found) >= count):
        found |= set(_search_newest(conversations, text, slice(FIRST_ROWS, UNINDEXED_ROWS)))
    return found


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


def _search_newest(
    conversations: QuerySet[Conversation], text: str, part: slice
) -> QuerySet[Conversation, tuple[datetime, str]]:
    """Return time and id of those that have the text, in a part of the newest conversations."""
    newest = conversations.order_by(*_NEWEST_FIRST)[part].values("pk")
    words = find_words(text)
    in_text = texts_contain(words, "text") if words else field_contains(text, ("text",))
    messages = Message.objects.filter(in_text, conversation=OuterRef("pk")).order_by()
    fields = ("last_message_preview", *(f"contact__{name}" for name in CONTACT_FIELDS))
    # In a separate query, because PostgreSQL would test it for every conversation.
    rows = Conversation.objects.filter(pk__in=newest).order_by()
    rows = rows.filter(field_contains(text, fields) | Q(Exists(messages)))
    return rows.values_list("last_message_at", "pk")
