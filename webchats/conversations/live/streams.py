"""Streams of server-sent events (HTML Standard, section 9.2), each with a bounded buffer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from enum import StrEnum
from random import uniform
from time import monotonic
from typing import Any, ClassVar, Final

import orjson
from django.db import Error

from webchats.conversations.live.first_steps import take_first_step
from webchats.conversations.live.requests import SEND_SECONDS, Message, Receive, Send

logger = logging.getLogger("live")

#: Seconds between two comments, so that no proxy ends the response, and the departure of a client
#: is noticed.
HEARTBEAT_SECONDS: Final = 25

#: Seconds after which a stream is ended, and its client reconnects at once. The proxy would cut it
#: after ten minutes. At random, so that streams that began together do not end together.
LIFETIME_SECONDS: Final = (8 * 60, 9.5 * 60)

#: The first bytes: a comment, and the milliseconds after which a client reconnects.
PREAMBLE: Final = b": connected\nretry: 2000\n\n"
_HEARTBEAT: Final[Message] = {
    "type": "http.response.body",
    "body": b": heartbeat\n\n",
    "more_body": True,
}

#: Reasons of streams that end without an ``end`` event: the lifetime is over, the client has
#: disconnected, too many events are queued for it, or the database failed.
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
    """Events that wait until the client has taken those before. Made in the task of its request.

    That task waits for the client to leave. Another one exists only while something is sent.
    Subclasses yield the first events in ``replay``.
    """

    __slots__ = (
        "_expires_at",
        "_request",
        "_send",
        "_sender",
        "_sending_since",
        "_waiting",
        "ended",
        "slot",
    )

    #: Of the metrics and log records.
    kind: ClassVar[str]
    #: Events that wait for a slow client. With more the stream is ended, and the client reconnects.
    max_waiting: ClassVar[int] = 64
    #: The least seconds between two parts of the stream. Events in between are sent together.
    interval: ClassVar[float] = 0

    #: The streams whose heartbeat is at the same time. Set by the wheel.
    slot: "set[Stream]"

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._send: Send
        self._request = asyncio.current_task()
        #: The task that sends, if any. None begins before ``run``.
        self._sender = self._request
        #: When the server was given the part that the client has not taken yet.
        self._sending_since: float | None = None
        self._expires_at = monotonic() + uniform(*LIFETIME_SECONDS)  # noqa: S311 - no secret
        #: Why the stream ends: an ``EndReason`` or another reason; ``None`` while it is open.
        self.ended: str | None = None

    async def run(self, receive: Receive, send: Send) -> None:
        """Send events until the stream ends or the client leaves."""
        self._send = send
        self._sender = asyncio.get_running_loop().create_task(self._send_events(self.replay()))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.disconnect()
        finally:
            if self._sender is not None:
                self._sender.cancel()

    def push(self, event: bytes) -> None:
        """Send an event. A stream with too many waiting events is aborted."""
        if self.ended:
            return
        self._waiting.append(event)
        if len(self._waiting) > self.max_waiting:
            self._abort(SLOW)
        else:
            self._start_sending()

    def end(self, reason: EndReason) -> None:
        """Send an ``end`` event after those that wait, and end the response."""
        if self.ended:
            return
        self.push(encode_event("end", {"reason": reason.value}))
        self.ended = self.ended or reason.value

    def beat(self) -> None:
        """Send a comment, or end the stream if its lifetime is over or the client takes nothing.

        Called every ``HEARTBEAT_SECONDS``.
        """
        now = monotonic()
        if self._sending_since is not None and now - self._sending_since > SEND_SECONDS:
            self._abort(self.ended or GONE)
        elif self.ended:
            pass
        elif now > self._expires_at:
            self.ended = EXPIRED
            self._start_sending()
        elif self._sender is None:
            self._send_heartbeat()

    def disconnect(self) -> None:
        """Stop pushing: the client has disconnected."""
        self.ended = self.ended or GONE

    def replay(self) -> AsyncGenerator[bytes]:
        """Yield the events that the client has missed, and then let others be pushed."""
        raise NotImplementedError

    def _start_sending(self) -> None:
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_events())

    def _send_heartbeat(self) -> None:
        """Send a comment. Most of the time no task is needed, which would take as long again."""
        rest = take_first_step(self._send(_HEARTBEAT))
        if rest is not None:
            self._sending_since = monotonic()
            self._sender = asyncio.get_running_loop().create_task(self._send_events(begun=rest))

    async def _send_events(
        self,
        missed: AsyncGenerator[bytes] | None = None,
        begun: Awaitable[None] | None = None,
    ) -> None:
        """Send the waiting events, after the rest of a part or a new client's missed events."""
        try:
            if begun is not None:
                await begun
                self._sending_since = None
            if missed is not None:
                await self._send_part(PREAMBLE)
                async for chunk in missed:
                    await self._send_part(chunk)
            await self._send_waiting()
        except OSError:  # the client has disconnected
            self.ended = self.ended or GONE
        except Error as error:
            logger.error("A stream is ended, since its messages cannot be read: %s", error)
            self.ended = self.ended or ERROR
        except Exception:
            logger.exception("A stream is ended, since its events cannot be sent")
            self.ended = self.ended or ERROR
        self._sender = None
        if self.ended and self._request is not None:
            self._request.cancel()

    async def _send_waiting(self) -> None:
        """Send the waiting events, and the end of the response if the stream ends."""
        while self._waiting:
            chunk = b"".join(self._waiting)
            self._waiting.clear()
            await self._send_part(chunk)
            if self.interval and not self.ended:
                await asyncio.sleep(self.interval)
        if self.ended:
            await self._send_part(b"", is_last=True)

    async def _send_part(self, body: bytes, *, is_last: bool = False) -> None:
        """Return when the client has taken it. ``beat`` ends the stream if that takes too long."""
        self._sending_since = monotonic()
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})
        self._sending_since = None

    def _abort(self, reason: str) -> None:
        """End without another event, even while the client does not take the last one."""
        self.ended = reason
        self._waiting.clear()
        for task in (self._sender, self._request):
            if task is not None:
                task.cancel()
