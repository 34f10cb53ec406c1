"""A time limit for statements that holds while the server hangs."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Timer

from django.db import connection


@contextmanager
def disconnected_after(seconds: float) -> Iterator[None]:
    """Disconnect from PostgreSQL after ``seconds``, unless the block has ended.

    A statement of the block fails then with ``OperationalError``. ``statement_timeout`` cannot end
    it if the server hangs, and a driver that waits for a response has no timeout. Waiting for a
    connection has the timeout of the pool. Raise ``OperationalError`` without a connection.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors:
        duplicate = socket.socket(fileno=os.dup(connection.connection.fileno()))
    lock, has_ended = Lock(), False

    def disconnect() -> None:
        # With the lock, the pool has not given the connection to another request.
        with lock, suppress(OSError):
            if not has_ended:
                duplicate.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, disconnect)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock, duplicate:
            has_ended = True
