"""One stream and its client, without a server: how it ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import OperationalError

from tests.support import event_loops
from webchats.conversations.live import streams
from webchats.conversations.live.streams import EndReason, Stream


class FakeStream(Stream):
    """A stream whose client has missed one event, or whose events cannot be read."""

    kind = "visitor"
    max_waiting = 2
    failure: Exception | None = None

    async def replay(self) -> AsyncGenerator[bytes]:
        yield b"missed"
        if self.failure is not None:
            raise self.failure


@dataclass
class Client:
    """A client that takes ``capacity`` parts and leaves when ``gone`` is set."""

    capacity: int = 100
    taken: list[bytes] = field(default_factory=list)
    #: Raised when it has taken its capacity. Without it nothing happens then until ``may_take``.
    failure: Exception | None = None
    may_take: asyncio.Event = field(default_factory=asyncio.Event)
    is_complete: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Any) -> None:
        if len(self.taken) == self.capacity:
            if self.failure is not None:
                raise self.failure
            await self.may_take.wait()
        self.taken.append(message["body"])
        self.is_complete = not message["more_body"]

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def run(client: Client, act: Any = None, failure: Exception | None = None) -> str | None:
    """Run a stream, call ``act`` with it once its first events were sent; return how it ended."""
    made: list[FakeStream] = []

    async def request() -> None:
        stream = FakeStream()
        stream.failure = failure
        made.append(stream)
        # The application does the same.
        with suppress(asyncio.CancelledError):
            await stream.run(client.receive, client.send)

    task = asyncio.create_task(request())
    await asyncio.sleep(0.01)
    if act is not None:
        act(made[0])
        # Until a client that takes nothing has been given what was pushed.
        await asyncio.sleep(0.01)
        client.gone.set()
    await asyncio.wait([task], timeout=5)
    assert task.done()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return made[0].ended


def test_events_pushed_together_are_sent_together() -> None:
    def act(stream: Stream) -> None:
        stream.push(b"a")
        stream.push(b"b")

    client = Client()
    assert event_loops.run(run(client, act)) == "gone"
    assert client.taken[1:] == [b"missed", b"ab"]


def test_an_end_is_sent_after_waiting_events() -> None:
    def act(stream: Stream) -> None:
        stream.push(b"a")
        stream.end(EndReason.SHUTDOWN)
        stream.push(b"b")

    client = Client()
    assert event_loops.run(run(client, act)) == "shutdown"
    assert client.taken[2].startswith(b"aevent: end")
    assert client.is_complete


@pytest.mark.parametrize("capacity", [1, 2])
def test_a_client_that_leaves_while_it_takes_nothing_is_noticed(capacity: int) -> None:
    client = Client(capacity)
    assert event_loops.run(run(client, lambda stream: stream.push(b"a"))) == "gone"
    assert len(client.taken) == capacity


def test_nothing_is_left_of_a_client_that_leaves_before_it_takes_the_end() -> None:
    client = Client(capacity=2)
    end = EndReason.DISABLED
    assert event_loops.run(run(client, lambda stream: stream.end(end))) == "disabled"


@pytest.mark.parametrize("capacity", [2, 100])
def test_too_many_events_abort_the_stream(capacity: int) -> None:
    def act(stream: Stream) -> None:
        for _ in range(3):
            stream.push(b"a")

    client = Client(capacity)
    assert event_loops.run(run(client, act)) == "slow"
    assert not client.is_complete


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(OperationalError(), "error"), (RuntimeError(), "error"), (ConnectionError(), "gone")],
)
def test_a_failure_ends_the_stream(failure: Exception, reason: str) -> None:
    client = Client()
    assert event_loops.run(run(client, failure=failure)) == reason
    assert not client.is_complete


def test_a_heartbeat_needs_no_task() -> None:
    tasks = list[int]()

    def act(stream: Stream) -> None:
        before = len(asyncio.all_tasks())
        stream.beat()
        tasks.append(len(asyncio.all_tasks()) - before)

    client = Client()
    event_loops.run(run(client, act))
    assert client.taken[2:] == [b": heartbeat\n\n"]
    assert tasks == [0]


def test_events_after_a_heartbeat_wait_until_it_is_sent() -> None:
    client = Client(capacity=2)

    def act(stream: Stream) -> None:
        stream.beat()
        stream.push(b"a")
        stream.beat()
        assert len(client.taken) == 2
        client.may_take.set()

    event_loops.run(run(client, act))
    assert client.taken[2:] == [b": heartbeat\n\n", b"a"]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(None, "gone"), (ConnectionError(), "gone"), (RuntimeError(), "error")],
)
def test_a_heartbeat_that_the_client_does_not_take_ends_the_stream(
    monkeypatch: pytest.MonkeyPatch, failure: Exception | None, reason: str
) -> None:
    def act(stream: Stream) -> None:
        stream.beat()
        monkeypatch.setattr(streams, "SEND_SECONDS", -1)
        if failure is None:
            stream.beat()
            assert stream.ended == reason

    client = Client(2, failure=failure)
    assert event_loops.run(run(client, act)) == reason
    assert len(client.taken) == 2
