"""Visitors' panels as asynchronous clients: sessions, messages and streams that reconnect."""

import asyncio
import json
import random
import time
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


async def request(
    port: int, method: str, path: str, token: str = "", body: Any = None, **headers: str
) -> tuple[int, Any]:
    """Return status and JSON of a response. Raise one of ``FAILURES`` if it is not complete."""
    async with asyncio.timeout(REQUEST_SECONDS):
        reader, writer = await _send(port, method, path, token, body, headers)
        try:
            status, length = await _read_head(reader)
            content = await (reader.readexactly(length) if length else reader.read())
            return status, json.loads(content) if content else None
        finally:
            writer.close()


async def _send(
    port: int, method: str, path: str, token: str, body: Any, headers: dict[str, str]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
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


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Return the status, and the length of the body, 0 if it is unknown."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status = int(head.split(" ", 2)[1])
    lengths = [
        line.partition(":")[2] for line in head.lower().split("\r\n") if "content-length:" in line
    ]
    return status, int(lengths[0]) if lengths else 0


@dataclass
class Panel:
    """The panel of one visitor. ``received`` are the texts that its stream has shown, in order."""

    port: int
    webchat: str
    token: str = ""
    conversation: str = ""
    received: list[str] = field(default_factory=list)
    #: The sequences of the events of kind ``message``, in the order of their arrival.
    sequences: list[int] = field(default_factory=list)
    #: When each text arrived, by ``time.monotonic``.
    arrived_at: dict[str, float] = field(default_factory=dict)
    #: Texts of messages of the visitor for which a response arrived.
    acknowledged: list[str] = field(default_factory=list)
    connects: int = 0
    is_open: bool = False
    _position: str = ""
    _writer: asyncio.StreamWriter | None = None

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
                status, content = await request(
                    self.port, "POST", f"/widget/{self.webchat}/messages", self.token, body
                )
                if status in (200, 201):
                    self.conversation = content["conversationId"]
                    self.acknowledged.append(text)
                    return
            await asyncio.sleep(random.uniform(*RETRY))

    async def listen(self) -> None:
        """Keep a stream open until it is canceled, and record its events."""
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
            reader, self._writer = await _send(
                self.port, "GET", f"/live/widget/{self.webchat}", self.token, None, headers
            )
            status, _ = await _read_head(reader)
        self.is_open = status == 200
        self.connects += 1
        try:
            event: dict[str, str] = {}
            while self.is_open and (line := await reader.readline()):
                text = line.decode().rstrip("\r\n")
                if not text and event:
                    self._handle(event)
                    event = {}
                elif ": " in text:  # the other lines are sizes of chunks
                    name, _, value = text.partition(": ")
                    event[name] = value
        finally:
            self._writer.close()

    def _handle(self, event: dict[str, str]) -> None:
        if event.get("event") != "message":
            return
        message = json.loads(event["data"])
        self._position = event["id"]
        self.sequences.append(message["sequence"])
        if message["kind"] == "text":
            self.received.append(message["text"])
            self.arrived_at.setdefault(message["text"], time.monotonic())


def _only(ticket: dict[str, Any]) -> dict[str, Any]:
    return {"ticket": ticket["ticket"]}


async def open_panels(port: int, webchat: str, count: int) -> list[Panel]:
    """Return panels with sessions, each with a conversation of one message."""
    panels = [Panel(port, webchat) for _ in range(count)]
    limit = asyncio.Semaphore(8)

    async def start(panel: Panel, number: int) -> None:
        async with limit:
            await panel.start_session()
            await panel.send(f"Hello from {number}")

    await asyncio.gather(*(start(panel, number) for number, panel in enumerate(panels)))
    return panels


async def wait_until_open(panels: list[Panel], seconds: float = 60) -> None:
    """Return when all panels have a stream."""
    async with asyncio.timeout(seconds):
        while not all(panel.is_open for panel in panels):
            await asyncio.sleep(0.05)


class CuttingProxy:
    """A proxy that closes every second connection in place of the response."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server
        self.requests = 0
        self.cut = 0

    async def start(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Close the listening socket."""
        self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests += 1
        is_cut = self.requests % 2 == 0
        target_reader, target = await asyncio.open_connection("127.0.0.1", self._target)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        target.write(head + await reader.readexactly(length))
        response = await target_reader.read()
        if is_cut:
            self.cut += 1
        else:
            writer.write(response)
        writer.close()
        target.close()
