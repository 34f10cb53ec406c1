"""The folders of the inbox, such as "waiting", and their pages by keyset."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils.dateparse import parse_datetime

from organizations.models import User
from webchats.conversations.models import Conversation, ConversationQuerySet, DraftState

PAGE_SIZE: Final = 30
_SEPARATOR: Final = "~"


class Folder(models.TextChoices):
    """A list of conversations. Its value is the parameter ``folder`` of the URL."""

    WAITING = "waiting", "Waiting"
    DRAFTS = "drafts", "Drafts"
    MINE = "mine", "Mine"
    UNREAD = "unread", "Unread"
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"

    @property
    def empty_text(self) -> str:
        """The text of the empty list."""
        return _EMPTY_TEXTS[self]

    def select(
        self, conversations: ConversationQuerySet[Conversation], user: User
    ) -> ConversationQuerySet[Conversation]:
        """Return the conversations in the folder of ``user``, without an order."""
        match self:
            case Folder.WAITING:
                return conversations.waiting()
            case Folder.DRAFTS:
                return conversations.open().filter(drafts__state=DraftState.PENDING)
            case Folder.MINE:
                return conversations.open().assigned_to(user)
            case Folder.UNREAD:
                return conversations.unread()
            case Folder.OPEN:
                return conversations.open()
            case Folder.CLOSED:
                return conversations.closed()


_EMPTY_TEXTS: Final = {
    Folder.WAITING: "Nobody is waiting.",
    Folder.DRAFTS: "No answer of the AI waits for approval.",
    Folder.MINE: "No open conversation is assigned to you.",
    Folder.UNREAD: "You have read everything.",
    Folder.OPEN: "No conversation is open.",
    Folder.CLOSED: "No conversation has been closed.",
}


@dataclass(frozen=True)
class Page:
    """The conversations of one page."""

    rows: list[Conversation]
    #: The cursor of the next page; empty on the last one.
    next_cursor: str


def get_page(
    folder: Folder, conversations: ConversationQuerySet[Conversation], cursor: str
) -> Page:
    """Return a page of a folder's conversations. An invalid cursor gives the first page.

    The longest waiting come first in ``WAITING``, those with the latest message in the others.
    """
    position = _parse_cursor(cursor)
    if folder == Folder.WAITING:
        if position:
            conversations = conversations.filter(_waiting_after(*position))
        conversations = conversations.order_by(F("waiting_since").asc(nulls_last=True), "id")
    else:
        if position and position[0]:
            conversations = conversations.filter(_older_than(position[0], position[1]))
        conversations = conversations.order_by("-last_message_at", "-id")
    rows = list(conversations.select_related("contact", "assignee", "webchat")[: PAGE_SIZE + 1])
    has_more = len(rows) > PAGE_SIZE
    return Page(rows[:PAGE_SIZE], _make_cursor(folder, rows[PAGE_SIZE - 1]) if has_more else "")


def _make_cursor(folder: Folder, last: Conversation) -> str:
    moment = last.waiting_since if folder == Folder.WAITING else last.last_message_at
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
