"""Pages of the conversations behind a number, by keyset, the latest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from webchats.conversations.models import Conversation, ConversationQuerySet
from webchats.conversations.reports.texts import NO_VALUE, format_duration

PAGE_SIZE: Final = 50
_SEPARATOR: Final = "~"
_FIELDS: Final = (
    "state",
    "first_message_at",
    "last_message_preview",
    "reply_seconds",
    "ai_wrote",
    "rating_score",
    "contact__name",
    "contact__email",
    "contact__phone",
    "webchat__name",
    "answered_by__full_name",
    "answered_by__email",
)


@dataclass(frozen=True)
class Row:
    """A conversation with the values in the list."""

    conversation: Conversation

    @property
    def reply(self) -> str:
        """The time until the first reply."""
        return format_duration(self.conversation.reply_seconds)

    @property
    def answered_by(self) -> str:
        """The representative who wrote last, or automatic answers."""
        if self.conversation.answered_by is not None:
            return self.conversation.answered_by.get_full_name()
        return "Automatic answers" if self.conversation.ai_wrote else NO_VALUE


@dataclass(frozen=True)
class Page:
    """The conversations of one page."""

    rows: Sequence[Row]
    #: The cursor of the next page; empty on the last one.
    next_cursor: str


def get_page(conversations: ConversationQuerySet[Conversation], cursor: str) -> Page:
    """Return a page of conversations. An invalid cursor gives the first page."""
    position = _parse(cursor)
    if position is not None:
        moment, pk = position
        # The first condition is the range of the index.
        conversations = conversations.filter(
            Q(first_message_at__lte=moment), Q(first_message_at__lt=moment) | Q(id__lt=pk)
        )
    rows = conversations.order_by("-first_message_at", "-id")
    rows = rows.select_related("contact", "webchat", "answered_by").only(*_FIELDS)
    found = list(rows[: PAGE_SIZE + 1])
    shown = [Row(row) for row in found[:PAGE_SIZE]]
    if len(found) <= PAGE_SIZE:
        return Page(shown, "")
    last = found[PAGE_SIZE - 1]
    # The period of a report has no conversation without one.
    assert last.first_message_at is not None
    return Page(shown, f"{last.first_message_at.isoformat()}{_SEPARATOR}{last.pk}")


def _parse(cursor: str) -> tuple[datetime, str] | None:
    text, separator, pk = cursor.partition(_SEPARATOR)
    try:
        moment = parse_datetime(text) if separator else None
        # Databases compare in UTC, where the year may be out of range.
        return (moment.astimezone(UTC), pk) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
