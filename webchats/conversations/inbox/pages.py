"""Pages of a list of conversations, by keyset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, OuterRef, Q, Subquery

from webchats.conversations.keysets import is_older, make_cursor, parse_cursor
from webchats.conversations.models import Conversation, ConversationQuerySet, Draft

PAGE_SIZE: Final = 30
#: What a row shows. The others, such as a webchat's texts, are most of the time of a page.
_FIELDS: Final = (
    "state",
    "handler",
    "last_sequence",
    "organization_read_sequence",
    "last_message_at",
    "last_message_author",
    "last_message_preview",
    "waiting_since",
    "contact__name",
    "contact__email",
    "contact__phone",
    "assignee__full_name",
    "assignee__email",
    "webchat__name",
    "webchat__primary_color",
)
#: The id of the draft that waits for a decision. Not ``Exists``: for many conversations, of which a
#: page reads the first, PostgreSQL would read the drafts of all.
_PENDING_DRAFT: Final = Subquery(
    Draft.objects.pending()
    .filter(organization=OuterRef("organization"), conversation=OuterRef("pk"))
    .order_by()
    .values("pk")[:1]
)


@dataclass(frozen=True)
class Page:
    """The conversations of one page, each with ``pending_draft_id``."""

    rows: Sequence[Conversation]
    #: The cursor of the next page; empty on the last one.
    next_cursor: str


def get_page(
    conversations: ConversationQuerySet[Conversation], cursor: str, *, is_waiting: bool
) -> Page:
    """Return a page of conversations. An invalid cursor gives the first page.

    The latest message comes first, or if people wait in all of them, the longest waiting person.
    """
    if is_waiting:
        if position := parse_cursor(cursor):
            conversations = conversations.filter(_waiting_after(*position))
        conversations = conversations.order_by(F("waiting_since").asc(nulls_last=True), "id")
    else:
        condition, _ = parse_page(cursor)
        conversations = conversations.filter(condition).order_by("-last_message_at", "-id")
    conversations = conversations.select_related("contact", "assignee", "webchat").only(*_FIELDS)
    rows = list(conversations.annotate(pending_draft_id=_PENDING_DRAFT)[: PAGE_SIZE + 1])
    has_more = len(rows) > PAGE_SIZE
    return Page(rows[:PAGE_SIZE], _make_cursor(rows[PAGE_SIZE - 1], is_waiting) if has_more else "")


def parse_page(cursor: str) -> tuple[Q, int]:
    """Return the condition for the rows after the cursor, and their number that a page reads.

    This is for the order by the latest message.
    """
    position = parse_cursor(cursor)
    if position is None or position[0] is None:
        return Q(), PAGE_SIZE + 1
    return is_older("last_message_at", position[0], position[1]), PAGE_SIZE + 1


def _make_cursor(last: Conversation, is_waiting: bool) -> str:
    moment = last.waiting_since if is_waiting else last.last_message_at
    return make_cursor(moment, last.pk)


def _waiting_after(since: datetime | None, pk: str) -> Q:
    if since is None:
        return Q(waiting_since=None, id__gt=pk)
    is_later = Q(waiting_since__gt=since) | Q(waiting_since=since, id__gt=pk)
    return is_later | Q(waiting_since=None)
