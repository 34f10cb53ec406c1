"""Pages of a list of conversations, by keyset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, Q

from webchats.conversations.filters import HAS_DRAFT
from webchats.conversations.keysets import is_older, make_cursor, parse_cursor
from webchats.conversations.models import Conversation, ConversationQuerySet

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


@dataclass(frozen=True)
class Page:
    """The conversations of one page, each with ``has_draft``."""

    rows: Sequence[Conversation]
    #: The cursor of the next page; empty on the last one.
    next_cursor: str


def get_page(
    conversations: ConversationQuerySet[Conversation], cursor: str, *, is_waiting: bool
) -> Page:
    """Return a page of conversations. An invalid cursor gives the first page.

    The latest message comes first, or if people wait in all of them, the longest waiting person.
    """
    position = parse_cursor(cursor)
    if is_waiting:
        if position:
            conversations = conversations.filter(_waiting_after(*position))
        conversations = conversations.order_by(F("waiting_since").asc(nulls_last=True), "id")
    else:
        if position and position[0]:
            conversations = conversations.filter(
                is_older("last_message_at", position[0], position[1])
            )
        conversations = conversations.order_by("-last_message_at", "-id")
    conversations = conversations.select_related("contact", "assignee", "webchat").only(*_FIELDS)
    rows = list(conversations.annotate(has_draft=HAS_DRAFT)[: PAGE_SIZE + 1])
    has_more = len(rows) > PAGE_SIZE
    return Page(rows[:PAGE_SIZE], _make_cursor(rows[PAGE_SIZE - 1], is_waiting) if has_more else "")


def _make_cursor(last: Conversation, is_waiting: bool) -> str:
    moment = last.waiting_since if is_waiting else last.last_message_at
    return make_cursor(moment, last.pk)


def _waiting_after(since: datetime | None, pk: str) -> Q:
    if since is None:
        return Q(waiting_since=None, id__gt=pk)
    is_later = Q(waiting_since__gt=since) | Q(waiting_since=since, id__gt=pk)
    return is_later | Q(waiting_since=None)
