"""Streams of server-sent events (HTML Standard, section 9.2), each with a bounded buffer."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from enum import StrEnum
from random import uniform
from time import monotonic
from typing import Any, ClassVar, Final

import orjson

#: Seconds without an event after which a comment is sent, so that no proxy ends the response and
#: the departure of a client is noticed.
HEARTBEAT_SECONDS: Final = 25

#: Seconds after which a stream is ended, and its client reconnects at once. The proxy would cut it
#: after ten minutes. At random, so that streams that began together do not end together.
LIFETIME_SECONDS: Final = (8 * 60, 9.5 * 60)

#: The first bytes: a comment, and the milliseconds after which a client reconnects.
PREAMBLE: Final = b": connected\nretry: 2000\n\n"
_HEARTBEAT: Final = b": heartbeat\n\n"


#: Reasons of streams that end without an ``end`` event: after their lifetime, because the client
#: has gone, because too many events wait for it, and because the database failed.
EXPIRED: Final = "expired"
GONE: Final = "gone"
SLOW: Final = "slow"
ERROR: Final = "error"


class EndReason(StrEnum):
    """The reason of an ``end`` event."""

    DISABLED = "disabled"
    SESSION_EXPIRED = "session_expired"
    SHUTDOWN = "shutdown"


def encode_event(event: str, data: Any, event_id: str | None = None) -> bytes:
    """Return one event with JSON as data. JSON has no line breaks, so one line is enough."""
    prefix = f"id: {event_id}\n" if event_id else ""
    return f"{prefix}event: {event}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


class Stream:
    """Events that wait until the client has taken those before. Made in the task that sends them.

    Subclasses yield the first events in ``replay``.
    """

    #: Of the metrics and log records.
    kind: ClassVar[str]
    #: Events that wait for a slow client. With more the stream is ended, and the client reconnects.
    max_waiting: ClassVar[int] = 64
    #: The least seconds between two parts of the stream. Events in between are sent together.
    interval: ClassVar[float] = 0

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._wakeup: asyncio.Future[None] | None = None
        self._task = asyncio.current_task()
        self._expires_at = monotonic() + uniform(*LIFETIME_SECONDS)  # noqa: S311 - no secret
        #: Why the stream ends: an ``EndReason`` or another reason; ``None`` while it is open.
        self.ended: str | None = None

    def push(self, event: bytes) -> None:
        """Append an event. A stream with too many waiting events is aborted."""
        if self.ended:
            return
        self._waiting.append(event)
        if len(self._waiting) > self.max_waiting:
            self._abort(SLOW)
        self._wake()

    def end(self, reason: EndReason) -> None:
        """Send an ``end`` event after those that wait, and end the response."""
        if self.ended:
            return
        self.push(encode_event("end", {"reason": reason.value}))
        self.ended = self.ended or reason.value

    def disconnect(self) -> None:
        """Stop sending: the client has gone."""
        if not self.ended:
            self._abort(GONE)
            self._wake()

    def replay(self) -> AsyncGenerator[bytes]:
        """Yield the events that the client has missed, and then let others be pushed."""
        raise NotImplementedError

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield the events as they come, and comments as heartbeats, until the stream ends."""
        while True:
            if self._waiting:
                chunk = b"".join(self._waiting)
                self._waiting.clear()
                yield chunk
                if self.interval and not self.ended:
                    await asyncio.sleep(self.interval)
            elif self.ended:
                return
            elif monotonic() > self._expires_at:
                self.ended = EXPIRED
            elif not await self._wait(HEARTBEAT_SECONDS):
                yield _HEARTBEAT

    async def _wait(self, seconds: float) -> bool:
        """Return whether something was pushed, or the stream ended, within ``seconds``."""
        loop = asyncio.get_running_loop()
        self._wakeup = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._wakeup
        finally:
            timer.cancel()
            self._wakeup = None
        return bool(self._waiting or self.ended)

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def _abort(self, reason: str) -> None:
        """End without another event, even while the client does not take the last one."""
        self.ended = reason
        self._waiting.clear()
        if self._wakeup is None and self._task is not None:
            self._task.cancel()
