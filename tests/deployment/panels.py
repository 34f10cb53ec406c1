"""Visitors' panels as asynchronous clients: sessions, messages and streams that reconnect."""

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.deployment.service import HOST

#: An allowed domain of the webchats of ``seed.py``.
SITE = "https://example.com"
#: Seconds until a client tries again, at random.
RETRY = (0.05, 0.3)
#: Seconds for a response to begin, and for a request in all.
REQUEST_SECONDS = 20
#: What a client meets when a server dies.
FAILURES = (OSError, EOFError, asyncio.TimeoutError, ValueError, IndexError)


@dataclass
class Responses:
    """The statuses of the responses that clients got."""

    statuses: Counter[int] = field(default_factory=Counter)
    #: Responses that a client cannot handle: errors except for 409, and 503 with ``Retry-After``.
    unexpected: Counter[str] = field(default_factory=Counter)

    def add(self, method: str, path: str, status: int, headers: dict[str, str]) -> None:
        """Count a response."""
        self.statuses[status] += 1
        is_busy = status == 503 and "retry-after" in headers
        if status >= 400 and status != 409 and not is_busy:
            self.unexpected[f"{method} {path.partition('?')[0]}: {status}"] += 1


async def request(
    port: int,
    method: str,
    path: str,
    token: str = "",
    body: Any = None,
    responses: Responses | None = None,
    **headers: str,
) -> tuple[int, Any]:
    """Return status and JSON of a response. Raise one of ``FAILURES`` if it is not complete."""
    async with asyncio.timeout(REQUEST_SECONDS):
        reader, writer = await send_request(port, method, path, token, body, headers)
        try:
            status, received = await read_head(reader)
            if responses is not None:
                responses.add(method, path, status, received)
            length = int(received.get("content-length", 0))
            content = await (reader.readexactly(length) if length else reader.read())
            return status, json.loads(content) if content else None
        finally:
            writer.close()


async def send_request(
    port: int, method: str, path: str, token: str, body: Any, headers: dict[str, str]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request on a new connection, and return the connection."""
    content = b"" if body is None else json.dumps(body).encode()
    given = {
        "Host": HOST,
        "X-Forwarded-Proto": "https",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **headers,
    }
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
    return reader, writer


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Return the status and the headers, with names in lower case."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    fields = (line.partition(": ") for line in lines)
    return int(first.split(" ", 2)[1]), {name.lower(): value for name, _, value in fields}


@dataclass
class Listener:
    """A client that keeps a stream open, and reconnects."""

    port: int
    token: str = ""
    responses: Responses = field(default_factory=Responses)
    connects: int = 0
    is_open: bool = False
    _position: str = ""
    _writer: asyncio.StreamWriter | None = None

    @property
    def path(self) -> str:
        """The path of the stream."""
        raise NotImplementedError

    def handle(self, event: dict[str, str]) -> None:
        """Process the fields of an event."""
        raise NotImplementedError

    async def listen(self) -> None:
        """Keep a stream open until it is canceled, and process its events."""
        while True:
            with suppress(*FAILURES):
                await self._read_stream()
            self.is_open = False
            await asyncio.sleep(random.uniform(*RETRY))

    def cut(self) -> None:
        """Close the connection of the stream."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _read_stream(self) -> None:
        headers = {"Last-Event-ID": self._position} if self._position else {}
        async with asyncio.timeout(REQUEST_SECONDS):
            reader, self._writer = await send_request(
                self.port, "GET", self.path, self.token, None, headers
            )
            status, received = await read_head(reader)
        self.responses.add("GET", self.path, status, received)
        self.is_open = status == 200
        self.connects += 1
        try:
            event: dict[str, str] = {}
            while self.is_open and (line := await reader.readline()):
                text = line.decode().rstrip("\r\n")
                if not text and event:
                    self._position = event.get("id", self._position)
                    self.handle(event)
                    event = {}
                elif ": " in text:  # the other lines are sizes of chunks
                    name, _, value = text.partition(": ")
                    event[name] = value
        finally:
            self._writer.close()


@dataclass
class Panel(Listener):
    """The panel of one visitor. ``received`` are the texts that its stream has shown, in order."""

    webchat: str = ""
    conversation: str = ""
    received: list[str] = field(default_factory=list)
    #: The sequences of the events of kind ``message``, in the order of their arrival.
    sequences: list[int] = field(default_factory=list)
    #: When each text arrived, by ``time.monotonic``.
    arrived_at: dict[str, float] = field(default_factory=dict)
    #: Texts of messages of the visitor for which a response arrived.
    acknowledged: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path of the stream."""
        return f"/live/widget/{self.webchat}"

    async def start_session(self) -> None:
        """Get a ticket as the customer's page does, and exchange it for a token."""
        path = f"/widget/{self.webchat}"
        _, ticket = await request(self.port, "POST", f"{path}/ticket", Origin=SITE)
        _, session = await request(self.port, "POST", f"{path}/session", body=_only(ticket))
        self.token = session["token"]

    async def send(self, text: str) -> None:
        """Send a message, again with the same key until a response arrives."""
        body = {"clientKey": uuid4().hex, "text": text}
        while True:
            with suppress(*FAILURES):
                path = f"/widget/{self.webchat}/messages"
                status, content = await request(
                    self.port, "POST", path, self.token, body, self.responses
                )
                if status in (200, 201):
                    self.conversation = content["conversationId"]
                    self.acknowledged.append(text)
                    return
            await asyncio.sleep(random.uniform(*RETRY))

    def handle(self, event: dict[str, str]) -> None:
        """Record a message."""
        if event.get("event") != "message":
            return
        message = json.loads(event["data"])
        self.sequences.append(message["sequence"])
        if message["kind"] == "text":
            self.received.append(message["text"])
            self.arrived_at.setdefault(message["text"], time.monotonic())


def _only(ticket: dict[str, Any]) -> dict[str, Any]:
    return {"ticket": ticket["ticket"]}


async def open_panels(
    port: int, webchat: str, count: int, text: str = "Hello from {number}"
) -> list[Panel]:
    """Return panels with sessions, each with a conversation of one message."""
    panels = [Panel(port, webchat=webchat) for _ in range(count)]
    limit = asyncio.Semaphore(8)

    async def start(panel: Panel, number: int) -> None:
        async with limit:
            await panel.start_session()
            await panel.send(text.format(number=number))

    await asyncio.gather(*(start(panel, number) for number, panel in enumerate(panels)))
    return panels


async def wait_until_open(panels: list[Panel], seconds: float = 60) -> None:
    """Return when all panels have a stream."""
    async with asyncio.timeout(seconds):
        while not all(panel.is_open for panel in panels):
            await asyncio.sleep(0.05)
