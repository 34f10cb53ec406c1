"""What the streams of visitors read from the database."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple, TypedDict

from webchat_project.api.compiled_queries import CompiledGet, Placeholder
from webchats.conversations.live.streams import encode_event
from webchats.conversations.models import Conversation, Message
from webchats.conversations.replies.visible import (
    PartialReplyDocument,
    VisibleReply,
    load_partial_replies,
    load_visible_reply,
)
from webchats.conversations.serializers import visitor_message
from webchats.conversations.transitions import Handler

#: Messages that are read at a time. A stream holds them twice until its client takes them, so the
#: longest ones need 0.7 MiB.
PAGE_SIZE: Final = 20
#: Visitors whose conversations are compared by one query.
COMPARED: Final = 1_000


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


class StateDocument(TypedDict):
    """The data of a ``state`` event."""

    state: str
    handler: str
    #: The name of the representative who answers, else empty.
    authorName: str
    #: ``writing`` or ``checking`` if a reply of the AI is due.
    replyState: str | None


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
        if position is None or position.conversation_id != self.version.conversation_id:
            return 0
        return position.sequence


@cache
def _current_conversation() -> CompiledGet[Conversation]:
    """Return the query for the current conversation of a visitor.

    It runs when a stream begins, and after each message. CPU time of ``load_update`` for a stream
    that begins, without the compiled queries divided by with: 5.
    """
    rows = Conversation.objects.filter(
        webchat=Placeholder("webchat"), visitor_id=Placeholder("visitor")
    )
    return CompiledGet(rows.order_by("-created_at", "-id"))


@cache
def _messages_between() -> CompiledGet[Message]:
    """Return the query for the messages after a sequence, up to another one."""
    rows = Message.objects.filter(
        conversation=Placeholder("conversation"),
        sequence__gt=Placeholder("after"),
        sequence__lte=Placeholder("last"),
    )
    return CompiledGet(rows.order_by("sequence"), limit=PAGE_SIZE)


def load_update(key: VisitorKey, positions: Sequence[Position | None]) -> Update | None:
    """Return the messages after the earliest of ``positions``.

    A client whose position is in another conversation gets the current one from its beginning.
    Return ``None`` if the visitor has no conversation.
    """
    conversation = _current_conversation()(webchat=key.webchat_id, visitor=key.visitor_id)
    if conversation is None:
        return None
    visible = load_visible_reply(conversation)
    update = Update(
        conversation.organization_id,
        Version(conversation.pk, conversation.updated_at),
        conversation.last_sequence,
        [],
        _state_of(conversation, visible),
        visible.partial,
        is_complete=True,
    )
    after = min((update.position_after(position) for position in positions), default=0)
    if after >= conversation.last_sequence:
        return update
    last = min(after + PAGE_SIZE, conversation.last_sequence)
    rows = _messages_between().all(conversation=conversation.pk, after=after, last=last)
    messages = [(row.sequence, _encode_message(row)) for row in rows]
    return update._replace(messages=messages, is_complete=last == conversation.last_sequence)


def load_versions(keys: Sequence[VisitorKey]) -> dict[VisitorKey, Version]:
    """Return the versions of the current conversations of visitors, who may have none.

    One query for at most ``COMPARED`` visitors.
    """
    rows = Conversation.objects.filter(
        webchat__in={key.webchat_id for key in keys},
        visitor_id__in=[key.visitor_id for key in keys],
    )
    columns = ("webchat_id", "visitor_id", "pk", "updated_at")
    # The newest conversation of a visitor comes last.
    return {
        VisitorKey(webchat_id, visitor_id): Version(pk, updated_at)
        for webchat_id, visitor_id, pk, updated_at in rows.order_by("created_at", "id").values_list(
            *columns
        )
    }


def load_replies(keys: Sequence[VisitorKey]) -> dict[VisitorKey, PartialReplyDocument]:
    """Return the replies that are being written for visitors, with their text so far.

    One query for at most ``COMPARED`` visitors.
    """
    webchat_ids = {key.webchat_id for key in keys}
    found = load_partial_replies(webchat_ids, [key.visitor_id for key in keys])
    return {
        VisitorKey(conversation.webchat_id or "", conversation.visitor_id): partial
        for conversation, partial in found
    }


def _state_of(conversation: Conversation, reply: VisibleReply) -> StateDocument:
    assignee = conversation.assignee
    is_rep = conversation.handler == Handler.REP and assignee is not None
    return {
        "state": conversation.state,
        "handler": conversation.handler,
        "authorName": assignee.public_name if is_rep and assignee else "",
        "replyState": reply.state,
    }


def _encode_message(row: Message) -> bytes:
    position = Position(row.conversation_id, row.sequence)
    document = {"conversationId": row.conversation_id, **visitor_message(row)}
    return encode_event("message", document, str(position))
