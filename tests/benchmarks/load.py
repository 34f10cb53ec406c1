"""The load generator: one process that sends requests over loopback on several connections.

To leave as much of the machine as possible to the servers, requests are rendered beforehand, and
only the status, the length and the Connection header of a response are parsed.
``python -m tests.benchmarks.load PORT`` serves a constant response, with which the load generator
measures its own maximum rate.
"""

import selectors
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

HOST = "127.0.0.1"
#: Seconds. A response that takes longer is an error.
TIMEOUT = 30


class UnexpectedResponse(Exception):
    """A server's response differs from the expected one, so its figures would be wrong."""


class Request(NamedTuple):
    """A rendered request and the response it expects."""

    raw: bytes
    #: The accepted statuses. The first is the usual one: see ``Load.first_status_share``.
    statuses: tuple[int, ...] = (200,)
    #: The accepted lengths of the body in bytes, so that every round does the same work.
    length: range = range(1, 1 << 20)


def render_request(
    path: str,
    *,
    method: str = "GET",
    token: str | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return an HTTP/1.1 request. ``token`` is a bearer token, ``body`` is JSON."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Accept: application/json"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += (f"{name}: {value}" for name, value in (headers or {}).items())
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Response(NamedTuple):
    """A response; ``head`` is its status line and headers."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header, or ``None`` without that header."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


class _Connection:
    """A connection with at most one request in flight.

    It reconnects if the server closed the connection after the previous response.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def send(self, request: Request) -> socket.socket:
        """Send a request and return the socket that will receive the response."""
        self.request, self.received, self.sent_at = request, b"", time.perf_counter()
        if self.socket is None:
            self.socket = socket.create_connection((HOST, self.port), timeout=TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request.raw)
        return self.socket

    def receive(self) -> Response | None:
        """Read from the socket and return the response once it is complete."""
        assert self.socket is not None
        chunk = self.socket.recv(1 << 18)
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        lowered, status = head.lower(), int(head[9:12] or 0)
        _, has_length, rest = lowered.partition(b"\r\ncontent-length:")
        if found and not has_length and status != 304:
            raise UnexpectedResponse(f"No Content-Length: {head!r}")
        length = int(rest.partition(b"\r\n")[0]) if has_length and status != 304 else 0
        if not found or len(body) < length:
            if not chunk:
                raise UnexpectedResponse(f"Incomplete response: {self.received[:400]!r}")
            return None
        if b"\r\nconnection: close" in lowered or lowered.startswith(b"http/1.0"):
            self.close()
        return Response(status, head, body)

    def close(self) -> None:
        """Close the socket, if it is open."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


@dataclass
class Load:
    """The result of a round of requests."""

    seconds: float
    #: Seconds from each request to its response.
    latencies: list[float] = field(repr=False)
    #: The share of responses with the first of their request's statuses, from 0 to 1.
    first_status_share: float

    @property
    def rate(self) -> float:
        """Responses per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that this share of the responses did not exceed."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def send(port: int, raw: bytes) -> Response:
    """Send one request on its own connection; return the response, whatever its status is."""
    connection = _Connection(port)
    try:
        connection.send(Request(raw))
        while (response := connection.receive()) is None:
            pass
    finally:
        connection.close()
    return response


def run_load(
    port: int,
    requests: Iterable[Request],
    *,
    seconds: float,
    max_requests: int = 1_000_000,
    connections: int = 16,
) -> Load:
    """Send ``requests`` in a loop until ``seconds`` have passed or ``max_requests`` are sent.

    Raise ``UnexpectedResponse`` if the status or length of a response is not the expected one.
    """
    endless, latencies, first_statuses = cycle(requests), list[float](), 0
    with selectors.DefaultSelector() as selector:
        start = time.perf_counter()
        deadline, sent = start + seconds, 0
        for _ in range(min(connections, max_requests)):
            connection = _Connection(port)
            selector.register(connection.send(next(endless)), selectors.EVENT_READ, connection)
            sent += 1
        for key, connection, response in _complete_responses(selector):
            now = time.perf_counter()
            latencies.append(now - connection.sent_at)
            _check(response, connection.request)
            first_statuses += response.status == connection.request.statuses[0]
            more = now < deadline and sent < max_requests
            used = connection.socket
            if used is None or not more:
                selector.unregister(key.fileobj)
            if not more:
                connection.close()
                continue
            sent += 1
            new = connection.send(next(endless))
            if used is None:
                selector.register(new, selectors.EVENT_READ, connection)
        return Load(time.perf_counter() - start, latencies, first_statuses / len(latencies))


def _complete_responses(
    selector: selectors.BaseSelector,
) -> Iterator[tuple[selectors.SelectorKey, _Connection, Response]]:
    """Yield each response once it is complete, until no connection is registered."""
    while selector.get_map():
        ready = selector.select(TIMEOUT)
        if not ready:
            raise UnexpectedResponse(f"No response within {TIMEOUT} s")
        for key, _events in ready:
            response = key.data.receive()
            if response is not None:
                yield key, key.data, response


def _check(response: Response, request: Request) -> None:
    if response.status not in request.statuses or (
        response.status != 304 and len(response.body) not in request.length
    ):
        raise UnexpectedResponse(
            f"{response.status}, {len(response.body)} bytes (expected {request.statuses}, "
            f"{request.length}): {response.body[:400]!r} to {request.raw[:400]!r}"
        )


def _serve_constant_response(port: int) -> None:
    """Serve until the process ends; each chunk that arrives counts as one request."""
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    with selectors.DefaultSelector() as selector, socket.create_server((HOST, port)) as server:
        selector.register(server, selectors.EVENT_READ)
        while True:
            for opened in _readable(selector):
                if opened is server:
                    selector.register(server.accept()[0], selectors.EVENT_READ)
                elif opened.recv(1 << 16):
                    opened.sendall(response)
                else:
                    selector.unregister(opened)
                    opened.close()


def _readable(selector: selectors.BaseSelector) -> Iterator[socket.socket]:
    for key, _events in selector.select():
        assert isinstance(key.fileobj, socket.socket)
        yield key.fileobj


if __name__ == "__main__":
    _serve_constant_response(int(sys.argv[1]))
