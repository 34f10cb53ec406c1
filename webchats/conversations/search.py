"""Search for contacts and conversations."""

from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from webchats.conversations.keysets import is_older
from webchats.conversations.message_search import (
    find_words,
    is_found_by_beginning,
    search_messages,
    texts_contain,
)
from webchats.conversations.models import Contact, Conversation, ConversationQuerySet, Message
from webchats.conversations.search_statements import (
    NEWEST_FIRST,
    Position,
    find_hits,
    find_newest,
)
from webchats.search import UNINDEXED_ROWS, field_contains, search_fields

#: The fields in which contacts are searched. The index ``contact_search`` has them.
CONTACT_FIELDS: Final = ("name", "email", "phone")
#: Rows that are read from each index.
MAX_HITS: Final = 1_000
#: The newest conversations that are always searched without an index.
FIRST_ROWS: Final = 500


@dataclass(frozen=True)
class SearchLimits:
    """What a search has not searched."""

    #: Whether older conversations can be missing because an index has too many.
    has_more: bool = False
    #: The number of the newest conversations, if older ones were searched for whole words only.
    parts_among: int | None = None


def search_contacts(contacts: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Return the contacts with ``text`` in name, e-mail address or phone number."""
    return search_fields(contacts, text, CONTACT_FIELDS, newest="-last_seen_at")


def search_conversations(
    conversations: QuerySet[Conversation],
    searched: ConversationQuerySet[Conversation],
    organization_id: str | None,
    text: str,
    count: int | None = None,
) -> tuple[QuerySet[Conversation], SearchLimits]:
    """Return the conversations with all words of ``text`` in a message, or ``text`` in the contact.

    With ``count`` they are the newest of all, at most so many: those of a page, if
    ``conversations`` are the ones after its cursor.

    The ``FIRST_ROWS`` newest ones, or up to ``UNINDEXED_ROWS`` if ``count`` can be expected in
    them, are searched without an index: a page of a frequent text is full then. Only otherwise the
    indexes are read, because the lists of frequent words are long, and at most ``MAX_HITS`` rows of
    each. ``searched`` are the conversations of the organization. For ``None`` they are all, and
    messages are searched in the ``UNINDEXED_ROWS`` newest: the index has words of organizations.
    """
    found = search_contacts(_contacts(organization_id), text).order_by()
    searched = searched.order_by()
    if connection.vendor != "postgresql":
        newest_ids = conversations.order_by(*NEWEST_FIRST)[:UNINDEXED_ROWS].values("pk")
        recent = Conversation.objects.filter(_contains(text), pk__in=newest_ids).order_by()
        of_contacts = searched.filter(contact__in=found.values("pk"))
        ids = of_contacts.values_list("pk").union(recent.values_list("pk"))
        return conversations.filter(pk__in=ids), SearchLimits()
    first = UNINDEXED_ROWS if organization_id is None else FIRST_ROWS
    newest, tested = _read_newest(conversations, text, count, first)
    limits = SearchLimits()
    if count is None or len(newest) < count:
        words = find_words(text)
        of_contacts = searched.filter(contact__in=found.values("pk")[:MAX_HITS])
        of_messages = search_messages(words, organization_id).values_list("conversation_id")
        indexed = of_contacts.values_list("pk")[:MAX_HITS], of_messages[:MAX_HITS]
        hits = find_hits(conversations, indexed, tested, count)
        newest |= hits.newest
        is_by_word = hits.has_older and not is_found_by_beginning(words)
        limits = SearchLimits(hits.read >= MAX_HITS, tested if is_by_word else None)
    page = sorted(newest, reverse=True)[:count]
    return conversations.filter(pk__in=[pk for _, pk in page]), limits


def _contacts(organization_id: str | None) -> QuerySet[Contact]:
    if organization_id is None:
        return Contact.objects.all()
    return Contact.objects.for_organization(organization_id)


def _read_newest(
    conversations: QuerySet[Conversation], text: str, count: int | None, first_rows: int
) -> tuple[set[Position], int]:
    """Return the newest conversations with the text, and how many were searched."""
    condition = _contains(text)
    found = find_newest(conversations, condition, first_rows, count)
    is_frequent = count is None or len(found) * UNINDEXED_ROWS >= count * first_rows
    is_full = count is not None and len(found) >= count
    if is_full or not is_frequent or first_rows >= UNINDEXED_ROWS:
        return found, first_rows
    newest = conversations.order_by(*NEWEST_FIRST).values_list("last_message_at", "pk")
    if last := newest[first_rows - 1 : first_rows].first():
        older = conversations.filter(is_older("last_message_at", *last))
        rest = None if count is None else count - len(found)
        found |= find_newest(older, condition, UNINDEXED_ROWS - first_rows, rest)
    return found, UNINDEXED_ROWS


def _contains(text: str) -> Q:
    """Return the condition that a conversation has the text, without an index."""
    words = find_words(text)
    in_text = texts_contain(words, "text") if words else field_contains(text, ("text",))
    messages = Message.objects.filter(in_text, conversation=OuterRef("pk")).order_by()
    fields = ("last_message_preview", *(f"contact__{name}" for name in CONTACT_FIELDS))
    return field_contains(text, fields) | Q(Exists(messages))
