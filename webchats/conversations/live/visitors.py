"""Streams of visitors, and the channel that the streams of one visitor share."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from django.db import Error

from organizations.jobs.batches import Batches
from webchats.conversations.live.presence import Presence, Present
from webchats.conversations.live.states import StateDocument
from webchats.conversations.live.streams import Stream, encode_event
from webchats.conversations.live.updates import (
    Need,
    Position,
    Update,
    Version,
    VisitorKey,
)
from webchats.conversations.sessions import Session


class VisitorChannel:
    """The open streams of one visitor. Rows are read once for all of them."""

    __slots__ = ("_is_outdated", "_on_failure", "_task", "_updates", "key", "streams", "version")

    def __init__(
        self,
        key: VisitorKey,
        updates: Batches[Need, Update | None],
        on_failure: Callable[[Error], None],
    ) -> None:
        self.key = key
        self.streams: set[VisitorStream] = set()
        #: Of the rows that were read last; ``None`` if it is not known.
        self.version: Version | None = None
        self._updates = updates
        self._on_failure = on_failure
        self._is_outdated = False
        self._task: asyncio.Task[None] | None = None

    @property
    def has_failed(self) -> bool:
        """Whether the rows could not be read, and must be read again."""
        return self._is_outdated and self._task is None

    async def load(self, positions: Sequence[Position | None]) -> Update | None:
        """Return the update after ``positions``. A later call never returns an older state."""
        return await self._updates.get((self.key, positions))

    def set_read(self, version: Version) -> None:
        """Store that a new stream has read this version, so that a comparison need not wake it.

        Other streams may have read an older one.
        """
        if len(self.streams) == 1:
            self.version = version

    def wake(self) -> None:
        """Read the rows and push the new ones. Calls during a read cause one more read."""
        self._is_outdated = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._update())

    def push(self, event: bytes) -> None:
        """Push an event that is not stored, such as ``typing``."""
        for stream in tuple(self.streams):
            if stream.is_live:
                stream.push(event)

    def push_reply(self, reply_id: str, offset: int, text: str) -> None:
        """Push the text of a reply in progress that the stream has not pushed yet."""
        for stream in tuple(self.streams):
            if stream.is_live and (event := stream.take_reply(reply_id, offset, text)):
                stream.push(event)

    async def _update(self) -> None:
        try:
            while self._is_outdated and self.streams:
                self._is_outdated = False
                live = [stream.position for stream in self.streams if stream.is_live]
                self._push_update(await self.load(live) if live else None)
        except Exception as error:
            self._is_outdated = True
            if not isinstance(error, Error):
                raise
            self._on_failure(error)
        finally:
            self._task = None

    def _push_update(self, update: Update | None) -> None:
        for stream in tuple(self.streams):
            if not stream.is_live:
                stream.has_missed = True
            elif update is not None:
                for event in stream.take(update):
                    stream.push(event)
        if update is not None:
            self.version = update.version
            self._is_outdated = self._is_outdated or not update.is_complete


class VisitorStream(Stream):
    """The stream of one panel. ``position`` is the last message that was pushed."""

    __slots__ = (
        "_present_in",
        "_reply_id",
        "_reply_length",
        "_state",
        "address",
        "channel",
        "has_missed",
        "is_live",
        "key",
        "position",
        "presence",
        "session",
    )

    kind = "visitor"
    #: Set by the hub, as ``presence``.
    channel: VisitorChannel
    presence: Presence

    def __init__(self, session: Session, address: str, position: Position | None) -> None:
        super().__init__()
        self.session = session
        self.address = address
        self.key = VisitorKey(session.webchat_id, session.visitor_id)
        self.position = position
        #: Whether the channel pushes updates. Before, ``replay`` reads them.
        self.is_live = False
        #: Whether the channel was woken before the stream was live.
        self.has_missed = False
        self._state: StateDocument | None = None
        #: The reply that is being written, and how many characters of it were pushed.
        self._reply_id = ""
        self._reply_length = 0
        #: Organization and conversation in which the visitor is present.
        self._present_in: tuple[str, Present] | None = None

    async def replay(self) -> AsyncGenerator[bytes]:
        """Yield the events after the position, in chunks, until the stream is live."""
        while not self.is_live:
            self.has_missed = False
            update = await self.channel.load([self.position])
            if update is not None:
                self._limit_position(update)
                if events := self.take(update):
                    yield b"".join(events)
            # Nothing is awaited between this test and the next one of the loop.
            self.is_live = not self.has_missed and (update is None or update.is_complete)
            if self.is_live and update is not None:
                self.channel.set_read(update.version)

    def take(self, update: Update) -> list[bytes]:
        """Return the events of ``update`` after the position, and advance the position."""
        after = update.position_after(self.position)
        events = [event for sequence, event in update.messages if sequence > after]
        self._set_present(update)
        last = update.messages[-1][0] if update.messages else after
        self.position = Position(update.version.conversation_id, max(after, last))
        if update.is_complete and update.state != self._state:
            self._state = update.state
            events.append(encode_event("state", update.state))
        if update.is_complete and (reply := update.reply):
            event = self.take_reply(reply["replyId"], 0, reply["text"])
            events += [event] if event else []
        return events

    def take_reply(self, reply_id: str, offset: int, text: str) -> bytes | None:
        """Return the event with the text that was not pushed yet; ``None`` if there is none.

        Text after a gap is sent as it is. The client then reads the messages.
        """
        if reply_id != self._reply_id:
            self._reply_id, self._reply_length = reply_id, 0
        start, end = max(offset, self._reply_length), offset + len(text)
        if end <= start:
            return None
        self._reply_length = end
        data = {"replyId": reply_id, "offset": start, "text": text[start - offset :]}
        return encode_event("reply", data)

    def set_absent(self) -> None:
        """Report that the stream has ended."""
        if self._present_in is not None:
            self.presence.leave(*self._present_in)
            self._present_in = None

    def _set_present(self, update: Update) -> None:
        present_in = (update.organization_id, Present(None, "", update.version.conversation_id))
        if present_in != self._present_in:
            self.set_absent()
            self.presence.enter(*present_in)
            self._present_in = present_in

    def _limit_position(self, update: Update) -> None:
        """Replace a position after the last message, which a client may send."""
        after = min(update.position_after(self.position), update.last_sequence)
        self.position = Position(update.version.conversation_id, after)
