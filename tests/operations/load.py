"""Clients that send requests for a while and account for every one of them."""

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

from tests.operations.service import HOST


class Asked(NamedTuple):
    """One kind of request."""

    method: str
    path: str
    body: str | None = None


@dataclass
class Account:
    """What became of the requests of a load."""

    #: Whole answers, by status.
    answered: Counter[int] = field(default_factory=Counter)
    #: No connection: nothing was sent.
    refused: int = 0
    #: The request was sent, or begun, and no whole answer came: method, kind of client, reason.
    lost: Counter[str] = field(default_factory=Counter)
    #: Held to count: many clients share an account.
    counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def failed(self) -> list[int]:
        """The statuses of answers that say that something went wrong."""
        return sorted(status for status in self.answered if status >= 400)

    def __str__(self) -> str:
        return (
            f"answered {dict(self.answered)}, not connected {self.refused}, lost {dict(self.lost)}"
        )


class Client(threading.Thread):
    """Sends one request after the other until it is told to stop, or there is none left."""

    def __init__(
        self,
        port: int,
        requests: Iterable[Asked],
        key: str,
        *,
        account: Account,
        keep_alive: bool = False,
    ) -> None:
        super().__init__(daemon=True)
        self.port, self.requests, self.keep_alive = port, requests, keep_alive
        self.headers = {
            "Host": HOST,
            "X-Forwarded-Proto": "https",
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Connection": "keep-alive" if keep_alive else "close",
        }
        self.account, self.over = account, threading.Event()

    def run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        for asked in self.requests:
            if self.over.is_set():
                break
            if connection is not None and _closed_by_the_server(connection):
                connection = None
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                try:
                    connection.connect()
                except OSError:
                    with self.account.counting:
                        self.account.refused += 1
                    connection = None
                    time.sleep(0.02)
                    continue
            connection = self._ask(connection, asked)
        if connection is not None:
            connection.close()

    def _ask(
        self, connection: http.client.HTTPConnection, asked: Asked
    ) -> http.client.HTTPConnection | None:
        """Send a request, note what comes of it, and return the connection if it is still good."""
        try:
            connection.request(asked.method, asked.path, asked.body, self.headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            kind = "keep-alive" if self.keep_alive else "one request each"
            with self.account.counting:
                self.account.lost[f"{asked.method}, {kind}, {type(error).__name__}"] += 1
            connection.close()
            return None
        with self.account.counting:
            self.account.answered[answer.status] += 1
        if not self.keep_alive:
            connection.close()
        return connection if connection.sock is not None else None


def _closed_by_the_server(connection: http.client.HTTPConnection) -> bool:
    """Whether a connection is known to be over before anything is sent on it."""
    if connection.sock is None:
        return True
    readable, _, _ = select.select([connection.sock], [], [], 0)
    if readable:
        connection.close()
    return bool(readable)


@contextmanager
def running_load(
    port: int, requests: Sequence[Asked], key: str, *, clients: int
) -> Iterator[Account]:
    """Load a port during the block; half of the clients keep their connections.

    The account is complete when the block is over.
    """
    account = Account()
    threads = [
        Client(port, cycle(requests), key, keep_alive=bool(number % 2), account=account)
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield account
    finally:
        for thread in threads:
            thread.over.set()
        for thread in threads:
            thread.join()
