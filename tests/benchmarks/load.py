"""The load: requests over loopback from one process, as many at a time as there are connections.

The bytes of a request are made beforehand, and of an answer only what is needed is read: its
status, its length, whether the connection lives on. ``python -m tests.benchmarks.load PORT`` is
the server with which the load finds its own ceiling: it answers without looking.
"""

import selectors
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

HOST = "127.0.0.1"
#: No answer of any contender takes as long.
TIMEOUT = 30


class WrongAnswer(Exception):
    """A server did not answer as it should: what was measured is worth nothing."""


class Request(NamedTuple):
    """The bytes to send, and what must come back."""

    raw: bytes
    #: A second one is taken too, and told: see ``Load.as_asked``.
    statuses: tuple[int, ...] = (200,)
    #: How long the answer's body may be; for equal work it is as long in each round.
    length: range = range(1, 1 << 20)


def request(
    path: str,
    *,
    method: str = "GET",
    token: str | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """An HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Accept: application/json"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += (f"{name}: {value}" for name, value in (headers or {}).items())
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Answer(NamedTuple):
    """What came back."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


class _Connection:
    """A connection that carries one request at a time, and is made again where the server ends
    it after each."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def send(self, asked: Request) -> socket.socket:
        """Send it; the answer will come from the socket."""
        self.asked, self.received, self.sent_at = asked, b"", time.perf_counter()
        if self.socket is None:
            self.socket = socket.create_connection((HOST, self.port), timeout=TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(asked.raw)
        return self.socket

    def receive(self) -> Answer | None:
        """What has come, once it is complete."""
        assert self.socket is not None
        chunk = self.socket.recv(1 << 18)
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        lowered, status = head.lower(), int(head[9:12] or 0)
        _, is_told, rest = lowered.partition(b"\r\ncontent-length:")
        if found and not is_told and status != 304:
            raise WrongAnswer(f"An answer does not say how long it is: {head!r}")
        length = int(rest.partition(b"\r\n")[0]) if is_told and status != 304 else 0
        if not found or len(body) < length:
            if not chunk:
                raise WrongAnswer(f"The server hung up within an answer: {self.received[:400]!r}")
            return None
        if b"\r\nconnection: close" in lowered or lowered.startswith(b"http/1.0"):
            self.close()
        return Answer(status, head, body)

    def close(self) -> None:
        """Hang up."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


@dataclass
class Load:
    """What a round of requests took."""

    seconds: float
    latencies: list[float] = field(repr=False)
    #: The share of answers with their request's first status.
    as_asked: float

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return len(self.latencies) / self.seconds

    def latency(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ask(port: int, raw: bytes) -> Answer:
    """One request on a connection of its own."""
    connection = _Connection(port)
    try:
        connection.send(Request(raw))
        while (answer := connection.receive()) is None:
            pass
    finally:
        connection.close()
    return answer


def fire(
    port: int,
    requests: Sequence[Request],
    *,
    seconds: float,
    most: int = 1_000_000,
    connections: int = 16,
) -> Load:
    """Send ``requests`` round and round for so long, or so many; every answer is looked at."""
    endless, latencies, as_asked = cycle(requests), list[float](), 0
    with selectors.DefaultSelector() as selector:
        start = time.perf_counter()
        deadline, sent = start + seconds, 0
        for _ in range(min(connections, most)):
            connection = _Connection(port)
            selector.register(connection.send(next(endless)), selectors.EVENT_READ, connection)
            sent += 1
        while selector.get_map():
            ready = selector.select(TIMEOUT)
            if not ready:
                raise WrongAnswer(f"No answer within {TIMEOUT} s")
            for key, _events in ready:
                connection = key.data
                answer = connection.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.sent_at)
                _look_at(answer, connection.asked)
                as_asked += answer.status == connection.asked.statuses[0]
                more = now < deadline and sent < most
                used = connection.socket
                if used is None or not more:
                    selector.unregister(key.fileobj)
                if not more:
                    connection.close()
                    continue
                sent += 1
                told = connection.send(next(endless))
                if used is None:
                    selector.register(told, selectors.EVENT_READ, connection)
        return Load(time.perf_counter() - start, latencies, as_asked / len(latencies))


def _look_at(answer: Answer, asked: Request) -> None:
    if answer.status not in asked.statuses or (
        answer.status != 304 and len(answer.body) not in asked.length
    ):
        raise WrongAnswer(
            f"{answer.status}, {len(answer.body)} bytes (not {asked.statuses}, {asked.length}): "
            f"{answer.body[:400]!r} to {asked.raw[:400]!r}"
        )


def _answer_without_looking(port: int) -> None:
    """Serve: whatever comes on a connection is a request, and has one answer."""
    fixed = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    with selectors.DefaultSelector() as selector, socket.create_server((HOST, port)) as server:
        selector.register(server, selectors.EVENT_READ)
        while True:
            for opened in _readable(selector):
                if opened is server:
                    selector.register(server.accept()[0], selectors.EVENT_READ)
                elif opened.recv(1 << 16):
                    opened.sendall(fixed)
                else:
                    selector.unregister(opened)
                    opened.close()


def _readable(selector: selectors.BaseSelector) -> Iterator[socket.socket]:
    for key, _events in selector.select():
        assert isinstance(key.fileobj, socket.socket)
        yield key.fileobj


if __name__ == "__main__":
    _answer_without_looking(int(sys.argv[1]))
