"""Pages of a list of conversations, by keyset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import F, Q
from django.utils.dateparse import parse_datetime

from webchats.conversations.filters import HAS_DRAFT
from webchats.conversations.models import Conversation, ConversationQuerySet

PAGE_SIZE: Final = 30
_SEPARATOR: Final = "~"
#: What a row shows. The others, such as a webchat's texts, are most of the time of a page.
_FIELDS: Final = (
    "state",
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
    position = _parse_cursor(cursor)
    if is_waiting:
        if position:
            conversations = conversations.filter(_waiting_after(*position))
        conversations = conversations.order_by(F("waiting_since").asc(nulls_last=True), "id")
    else:
        if position and position[0]:
            conversations = conversations.filter(_older_than(position[0], position[1]))
        conversations = conversations.order_by("-last_message_at", "-id")
    conversations = conversations.select_related("contact", "assignee", "webchat").only(*_FIELDS)
    rows = list(conversations.annotate(has_draft=HAS_DRAFT)[: PAGE_SIZE + 1])
    has_more = len(rows) > PAGE_SIZE
    return Page(rows[:PAGE_SIZE], _make_cursor(rows[PAGE_SIZE - 1], is_waiting) if has_more else "")


def _make_cursor(last: Conversation, is_waiting: bool) -> str:
    moment = last.waiting_since if is_waiting else last.last_message_at
    return f"{moment.isoformat() if moment else ''}{_SEPARATOR}{last.pk}"


def _parse_cursor(cursor: str) -> tuple[datetime | None, str] | None:
    text, separator, pk = cursor.partition(_SEPARATOR)
    try:
        moment = parse_datetime(text) if text else None
        if moment is not None and moment.tzinfo is not None:
            # Databases compare in UTC, where the year may be out of range.
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if not separator or (text and (moment is None or moment.tzinfo is None)):
        return None
    return moment, pk


def _waiting_after(since: datetime | None, pk: str) -> Q:
    if since is None:
        return Q(waiting_since=None, id__gt=pk)
    is_later = Q(waiting_since__gt=since) | Q(waiting_since=since, id__gt=pk)
    return is_later | Q(waiting_since=None)


def _older_than(moment: datetime, pk: str) -> Q:
    # The first condition is the range of the index.
    return Q(last_message_at__lte=moment) & (Q(last_message_at__lt=moment) | Q(id__lt=pk))
