"""What the page of a contact shows of the past: conversations, moves and changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from organizations.history import Version, get_versions
from webchats.conversations.keysets import KeysetPage, newest_page, parse_cursor
from webchats.conversations.models import Contact, Conversation, StageMove

#: Rows of one page of conversations, and of moves.
PAGE_SIZE: Final = 10
#: The latest changes. The change history has more of them.
MAX_CHANGES: Final = 5


@dataclass(frozen=True)
class Stay:
    """A move, and how long the contact has been in the stage that it led to."""

    move: StageMove
    #: The time of the next move, or now.
    until: datetime
    is_current: bool


@dataclass(frozen=True)
class ContactHistory:
    """The past of a contact, each part with its newest entries first."""

    conversations: KeysetPage[Conversation]
    stays: list[Stay]
    #: The cursor of older moves; empty if there are none.
    older_moves: str
    versions: list[Version]
    now: datetime


def get_history(request: HttpRequest, contact: Contact) -> ContactHistory:
    """Return the pages of the query parameters ``conversations`` and ``moves``, both cursors."""
    rows = contact.conversations.select_related("webchat", "assignee").only(
        "contact",
        "state",
        "last_message_at",
        "last_message_preview",
        "rating_score",
        "rated_at",
        "webchat__name",
        "assignee__full_name",
        "assignee__email",
    )
    conversations = newest_page(
        rows, "last_message_at", request.GET.get("conversations", ""), PAGE_SIZE
    )
    cursor = request.GET.get("moves", "")
    moves = newest_page(contact.moves.all(), "at", cursor, PAGE_SIZE)
    now = timezone.now()
    # A page after the first one begins where the contact left the stage.
    position = parse_cursor(cursor)
    until = (position and position[0]) or now
    is_first = until == now
    stays = []
    for number, move in enumerate(moves.rows):
        stays.append(Stay(move, until, is_first and number == 0))
        until = move.at
    versions = [version for version in get_versions(contact) if version.changes or version.reason]
    return ContactHistory(conversations, stays, moves.next_cursor, versions[:MAX_CHANGES], now)
