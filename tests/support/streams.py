"""The application that holds streams, on an event loop in a thread, and its clients."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from queue import Empty, SimpleQueue
from threading import Event as ThreadEvent
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from webchat_project.live import make_live_application
from webchats.conversations.live.application import LiveApplication
from webchats.conversations.live.process import LiveProcess
from webchats.conversations.live.watch import Watch

_Result = TypeVar("_Result")

#: Seconds within which an event that a test awaits must arrive.
TIMEOUT = 10


class StreamEvent(NamedTuple):
    """A server-sent event. ``id`` is empty if it has none."""

    name: str
    data: Any
    id: str


def parse_events(text: str) -> list[StreamEvent]:
    """Return the events of a part of a stream, without comments."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":")
        )
        if "event" in fields:
            data = json.loads(fields["data"])
            events.append(StreamEvent(fields["event"], data, fields.get("id", "")))
    return events


class StreamClient:
    """A request to the application. ``status``, and ``headers`` in lower case, are of its response.

    With ``is_slow``, nothing is taken after the first part of the body.
    """

    def __init__(self, server: "LiveServer", path: str, *, is_slow: bool = False, **options: Any):
        self._server = server
        self._parts: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._pending: list[StreamEvent] = []
        self._gone = asyncio.Event()
        self._is_slow = is_slow
        self.ended = ThreadEvent()
        path, _, query = path.partition("?")
        headers = {"host": "testserver", **options.pop("headers", {})}
        scope = {
            "type": "http",
            "method": options.pop("method", "GET"),
            "scheme": "http",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": (options.pop("address", "192.0.2.1"), 1),
            "server": ("testserver", 80),
        }
        server.call_soon(self._run(scope))
        start = self._next_part()
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.first = self._next_part()["body"].decode()
        self._pending = parse_events(self.first) if self.status == 200 else []

    async def _run(self, scope: dict[str, Any]) -> None:
        parts = count()

        async def send(message: Any) -> None:
            # The first two are the start of the response and the first part of the body.
            if next(parts) >= 2 and self._is_slow:
                await asyncio.sleep(3600)
            self._parts.put(message)

        async def receive() -> Any:
            await self._gone.wait()
            return {"type": "http.disconnect"}

        try:
            await self._server.application(scope, receive, send)
        finally:
            self._parts.put(None)
            self.ended.set()

    def _next_part(self) -> dict[str, Any]:
        part = self._parts.get(timeout=TIMEOUT)
        assert part is not None, "the response has ended"
        return part

    @property
    def json(self) -> Any:
        """The body of an error."""
        return json.loads(self.first)

    def next(self) -> StreamEvent:
        """Return the next event. Fail if the stream ends before."""
        while not self._pending:
            part = self._next_part()
            assert part["body"], "the response has ended"
            self._pending = parse_events(part["body"].decode())
        return self._pending.pop(0)

    def take(self, count: int) -> list[StreamEvent]:
        """Return the next events."""
        return [self.next() for _ in range(count)]

    def take_text(self) -> str:
        """Return the next part of the body as it is."""
        return str(self._next_part()["body"].decode())

    def rest(self) -> list[StreamEvent]:
        """Return the events until the response ends."""
        events = self._pending
        while (part := self._parts.get(timeout=TIMEOUT)) is not None:
            events += parse_events(part["body"].decode())
        return events

    def has_event(self, seconds: float = 0.1) -> bool:
        """Return whether an event arrives within ``seconds``."""
        try:
            part = self._parts.get(timeout=seconds)
        except Empty:
            return bool(self._pending)
        assert part is not None
        self._pending += parse_events(part["body"].decode())
        return bool(self._pending)

    def close(self) -> None:
        """Disconnect, and wait until the application has noticed."""
        self._server.loop.call_soon_threadsafe(self._gone.set)
        assert self.ended.wait(TIMEOUT)


class LiveServer:
    """A running application."""

    def __init__(self) -> None:
        self.application: LiveApplication
        self.process: LiveProcess
        self.loop = asyncio.new_event_loop()

    @property
    def watch(self) -> Watch:
        return self.process.watch

    def run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine on the event loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(TIMEOUT)

    def call_soon(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Start a coroutine on the event loop."""
        asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def open(self, path: str, token: str = "", **options: Any) -> StreamClient:
        """Return a client with a Bearer token, whose stream gets every event from now on."""
        headers = dict(options.pop("headers", {}))
        if token:
            headers["authorization"] = f"Bearer {token}"
        client = StreamClient(self, path, headers=headers, **options)
        if client.status == 200 and not options.get("is_slow"):
            self.wait_until_live()
        return client

    def wait_until_live(self) -> None:
        """Wait until the streams of visitors have read the events before their opening."""
        self.run(self._wait_until_live())

    async def _wait_until_live(self) -> None:
        while not all(stream.is_live for stream in self.application.hub.visitor_streams()):
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        await self.process.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def start(self) -> None:
        self.application, self.process = make_live_application()
        self.process.start()


@contextmanager
def running_live() -> Iterator[LiveServer]:
    """Run the application in a thread until the end of the block."""
    server = LiveServer()
    thread = Thread(target=server.loop.run_forever, daemon=True)
    thread.start()
    server.run(server.start())
    try:
        yield server
    finally:
        server.run(server.stop())
        server.loop.call_soon_threadsafe(server.loop.stop)
        thread.join()
        server.loop.close()
