"""Clients that keep streams or WebSockets open, many thousands in one event loop."""

import asyncio
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import Final, cast

from tests.benchmarks.load import HOST

#: Connections that are opened at a time.
CONCURRENCY: Final = 100
#: Seconds for a stream to begin.
_OPEN_SECONDS: Final = 15
#: Streams from one address, of which the loopback interface has many.
_PER_ADDRESS: Final = 5_000
_TEXT: Final = re.compile(rb"(m\d+e)")
#: A text may be in two reads.
_TAIL: Final = 16
_PING: Final = 0x89
_WEBSOCKET: Final = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@dataclass
class Clients:
    """The open streams to one server, and when each of their messages arrived."""

    port: int
    #: The path with the id of the webchat.
    path: str
    is_websocket: bool = False
    open: list["Client"] = field(default_factory=list)
    #: The times of arrival by text: one for each stream that got it.
    arrivals: dict[str, list[float]] = field(default_factory=dict)
    #: How often streams did not begin, by reason.
    reasons: Counter[str] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def failures(self) -> int:
        """How many streams did not begin."""
        return self.reasons.total()

    async def connect(
        self, tokens: Sequence[str], query: str = "", seconds: float = math.inf
    ) -> None:
        """Open a stream with each of the tokens, for which there is time. What fails is counted."""
        deadline = time.monotonic() + seconds
        rest = takewhile(lambda _: time.monotonic() < deadline, tokens)
        await asyncio.gather(*(self._connect_each(rest, query) for _ in range(CONCURRENCY)))

    async def _connect_each(self, tokens: Iterator[str], query: str) -> None:
        loop = asyncio.get_running_loop()
        for token in tokens:
            address = f"127.0.0.{2 + next(self._numbers) // _PER_ADDRESS % 200}"
            try:
                _, client = await loop.create_connection(
                    lambda token=token: Client(self, token, query),
                    HOST,
                    self.port,
                    local_addr=(address, 0),
                )
                async with asyncio.timeout(_OPEN_SECONDS):
                    await client.opened
            except OSError as error:
                self.reasons[f"{type(error).__name__} {error}"[:300]] += 1
            else:
                self.open.append(client)

    def abort(self, number: int) -> None:
        """Abort the connections that were opened first."""
        for client in self.open[:number]:
            client.transport.abort()
        del self.open[:number]


class Client(asyncio.Protocol):
    """One stream."""

    transport: asyncio.Transport

    def __init__(self, clients: Clients, token: str, query: str) -> None:
        self._clients = clients
        self.token, self._query = token, query
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        # That of uvloop is no subclass.
        self.transport = cast("asyncio.Transport", transport)
        upgrade = _WEBSOCKET if self._clients.is_websocket else "Accept: text/event-stream\r\n"
        self.transport.write(
            f"GET {self._clients.path}{self._query} HTTP/1.1\r\nHost: {HOST}\r\n{upgrade}"
            f"Authorization: Bearer {self.token}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Record messages, and respond to pings."""
        if not self.opened.done():
            if b" 200 " in data[:20] or b" 101 " in data[:20]:
                self.opened.set_result(None)
            else:
                self.opened.set_exception(ConnectionError(data[:200]))
            return
        if data[0] == _PING and self._clients.is_websocket:
            size = data[1]
            pong = bytes([0x8A, 0x80 | size]) + b"\0\0\0\0"
            self.transport.write(pong + data[2 : 2 + size])
        now = time.monotonic()
        found = _TEXT.finditer(self._tail + data)
        end = 0
        for match in found:
            end = match.end()
            self._clients.arrivals.setdefault(match[1].decode(), []).append(now)
        self._tail = (self._tail + data)[end:][-_TAIL:]

    def connection_lost(self, error: Exception | None) -> None:
        """Report a connection that ended before the response began."""
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed"))
