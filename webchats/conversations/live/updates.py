"""What the streams of visitors read from the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

from django.db.models import OuterRef, Subquery, prefetch_related_objects

from webchat_project.api.compiled_queries import CompiledGetAny
from webchats.conversations.live.states import StateDocument, state_of
from webchats.conversations.live.streams import encode_event
from webchats.conversations.models import Conversation, Message
from webchats.conversations.replies.visible import (
    PartialReplyDocument,
    VisibleReply,
    load_visible_replies,
)
from webchats.conversations.serializers import visitor_message
from webchats.conversations.transitions import Handler

#: Messages that are read at a time. A stream holds them twice until its client takes them, so the
#: longest ones need 0.7 MiB.
PAGE_SIZE: Final = 20


class VisitorKey(NamedTuple):
    """A visitor of a webchat: the two values by which conversations are found."""

    webchat_id: str
    visitor_id: str


class Position(NamedTuple):
    """The last message that a client has. Its ``str`` is the id of an event."""

    conversation_id: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.conversation_id}:{self.sequence}"


class Version(NamedTuple):
    """A value that changes with every change of a visitor's current conversation."""

    conversation_id: str
    updated_at: datetime


class Update(NamedTuple):
    """The messages of a visitor's current conversation after a position, and its state."""

    organization_id: str
    version: Version
    last_sequence: int
    #: Sequence and ``message`` event of each.
    messages: list[tuple[int, bytes]]
    state: StateDocument
    #: The reply that is being written for the visitor.
    reply: PartialReplyDocument | None
    #: Whether ``messages`` has all messages after the position.
    is_complete: bool

    def position_after(self, position: Position | None) -> int:
        """Return the sequence that a client at ``position`` has of this conversation."""
        return _sequence_at(position, self.version.conversation_id)


#: A visitor, and the positions of the streams that need the visitor's update.
Need = tuple[VisitorKey, Sequence[Position | None]]


class _Page(NamedTuple):
    """The messages of a conversation after a sequence, up to another one."""

    conversation_id: str
    after: int
    last: int


@cache
def _current_conversations() -> CompiledGetAny[Conversation]:
    """Return the query for the current conversations of visitors.

    It runs when streams begin, and after each message. CPU time of ``load_updates`` for 50
    visitors, without the compiled queries divided by with: 1.9.
    """
    newest = Conversation.objects.filter(
        webchat=OuterRef("webchat"), visitor_id=OuterRef("visitor_id")
    ).order_by("-created_at", "-id")
    rows = Conversation.objects.order_by().filter(pk=Subquery(newest.values("pk")[:1]))
    return CompiledGetAny(rows, "webchat", "visitor_id")


@cache
def _messages_of_pages() -> CompiledGetAny[Message]:
    """Return the query for the messages of pages."""
    rows = Message.objects.order_by("conversation_id", "sequence")
    lookups = ("conversation", "sequence__gt", "sequence__lte")
    return CompiledGetAny(rows, *lookups, limit=PAGE_SIZE)


def load_update(key: VisitorKey, positions: Sequence[Position | None]) -> Update | None:
    """Return the update of one visitor, as ``load_updates`` does."""
    return load_updates([(key, positions)])[0]


def load_updates(needs: Sequence[Need]) -> list[Update | None]:
    """Return for each of at most 50 visitors the messages after the earliest of the positions.

    A client whose position is in another conversation gets the current one from its beginning.
    ``None`` is for a visitor without a conversation. The number of queries does not grow with the
    number of visitors.
    """
    rows = _current_conversations().all(tuple({key for key, _ in needs}))
    conversations = {VisitorKey(row.webchat_id or "", row.visitor_id): row for row in rows}
    prefetch_related_objects([row for row in rows if row.handler == Handler.REP], "assignee")
    replies = load_visible_replies(rows)
    pages = {
        number: _page_of(conversations[key], positions)
        for number, (key, positions) in enumerate(needs)
        if key in conversations
    }
    messages = _load_messages({page for page in pages.values() if page.after < page.last})
    updates: list[Update | None] = [None] * len(needs)
    for number, page in pages.items():
        row = conversations[needs[number][0]]
        found = [pair for pair in messages.get(row.pk, ()) if page.after < pair[0] <= page.last]
        updates[number] = _update_of(row, replies[row.pk], page, found)
    return updates


def _page_of(conversation: Conversation, positions: Sequence[Position | None]) -> _Page:
    after = min((_sequence_at(position, conversation.pk) for position in positions), default=0)
    return _Page(conversation.pk, after, min(after + PAGE_SIZE, conversation.last_sequence))


def _sequence_at(position: Position | None, conversation_id: str) -> int:
    if position is None or position.conversation_id != conversation_id:
        return 0
    return position.sequence


def _load_messages(pages: Collection[_Page]) -> dict[str, list[tuple[int, bytes]]]:
    """Return sequence and event of each message of the pages, by conversation and in order."""
    messages: dict[str, list[tuple[int, bytes]]] = {}
    for row in _messages_of_pages().all(tuple(pages)):
        messages.setdefault(row.conversation_id, []).append((row.sequence, _encode_message(row)))
    return messages


def _update_of(
    conversation: Conversation,
    reply: VisibleReply,
    page: _Page,
    messages: list[tuple[int, bytes]],
) -> Update:
    return Update(
        conversation.organization_id,
        Version(conversation.pk, conversation.updated_at),
        conversation.last_sequence,
        messages,
        state_of(conversation, reply),
        reply.partial,
        is_complete=page.last == conversation.last_sequence,
    )


def _encode_message(row: Message) -> bytes:
    position = Position(row.conversation_id, row.sequence)
    document = {"conversationId": row.conversation_id, **visitor_message(row)}
    return encode_event("message", document, str(position))
