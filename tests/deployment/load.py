"""Clients that send requests in a loop and record the outcome of each."""

import http.client
import select
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

from tests.deployment.service import HOST


class Request(NamedTuple):
    """A request that a client repeats."""

    method: str
    path: str
    body: str | None = None


@dataclass
class Outcome:
    """The results of the requests of a load."""

    #: Complete responses, by status.
    responses: Counter[int] = field(default_factory=Counter)
    #: Connections that were refused: nothing was sent.
    refused: int = 0
    #: Connections reset before the first byte of a response: the kernel had accepted them, but the
    #: server closed its listening socket before it took them from the queue.
    reset: int = 0
    #: Requests that were sent at least in part without a complete response, by method, kind of
    #: connection and exception.
    lost: Counter[str] = field(default_factory=Counter)
    #: Acquired to count, because several clients share an outcome.
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def errors(self) -> list[int]:
        """The statuses of responses that report an error."""
        return sorted(status for status in self.responses if status >= 400)

    def __str__(self) -> str:
        return (
            f"responses {dict(self.responses)}, refused {self.refused}, "
            f"reset {self.reset}, lost {dict(self.lost)}"
        )


class Client(threading.Thread):
    """A thread that sends requests one after the other until it is stopped or all are sent."""

    def __init__(
        self,
        port: int,
        requests: Iterable[Request],
        key: str,
        *,
        outcome: Outcome,
        keep_alive: bool = False,
        pause: float = 0,
    ) -> None:
        super().__init__(daemon=True)
        self.port, self.requests, self.keep_alive = port, requests, keep_alive
        #: Seconds between a response and the next request.
        self.pause = pause
        self.headers = {
            "Host": HOST,
            "X-Forwarded-Proto": "https",
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Connection": "keep-alive" if keep_alive else "close",
        }
        self.outcome, self.stopped = outcome, threading.Event()

    def run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        for request in self.requests:
            if self.stopped.wait(self.pause):
                break
            if connection is not None and _is_closed(connection):
                connection = None
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                try:
                    connection.connect()
                except OSError:
                    with self.outcome.lock:
                        self.outcome.refused += 1
                    connection = None
                    time.sleep(0.02)
                    continue
            connection = self._send(connection, request)
        if connection is not None:
            connection.close()

    def _send(
        self, connection: http.client.HTTPConnection, request: Request
    ) -> http.client.HTTPConnection | None:
        """Send a request, count its outcome, and return the connection if it can be used again."""
        try:
            connection.request(request.method, request.path, request.body, self.headers)
            try:
                response = connection.getresponse()
            except ConnectionResetError:
                with self.outcome.lock:
                    self.outcome.reset += 1
                connection.close()
                return None
            response.read()
        except (OSError, http.client.HTTPException) as error:
            kind = "keep-alive" if self.keep_alive else "one request each"
            with self.outcome.lock:
                self.outcome.lost[f"{request.method}, {kind}, {type(error).__name__}"] += 1
            connection.close()
            return None
        with self.outcome.lock:
            self.outcome.responses[response.status] += 1
        if not self.keep_alive:
            connection.close()
        return connection if connection.sock is not None else None


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    """Return whether the server has closed an idle connection."""
    if connection.sock is None:
        return True
    readable, _, _ = select.select([connection.sock], [], [], 0)
    if readable:
        connection.close()
    return bool(readable)


@contextmanager
def running_load(
    port: int, requests: Sequence[Request], key: str, *, clients: int, pause: float = 0
) -> Iterator[Outcome]:
    """Send requests to a port during the block; every second client keeps its connection alive.

    The outcome is complete at the end of the block.
    """
    outcome = Outcome()
    threads = [
        Client(
            port, cycle(requests), key, keep_alive=bool(number % 2), outcome=outcome, pause=pause
        )
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield outcome
    finally:
        for thread in threads:
            thread.stopped.set()
        for thread in threads:
            thread.join()
