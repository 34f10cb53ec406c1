"""Django's backend for PostgreSQL, which skips a server that does not respond.

Django requires the name of this module. The settings require a pool of connections.
"""

from threading import Lock
from time import monotonic
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool, PoolTimeout

from webchat_project.circuit_breaker import SKIPPED_COUNTER, CircuitBreaker, CircuitOpen

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


class _NoConnection(psycopg.OperationalError):
    """The pool could not open a connection."""


class _PoolExhausted(psycopg.errors.TooManyConnections):
    """Other requests of this process use all connections of the pool."""


class PoolUse:
    """The connections of a pool that threads use.

    A pool whose connections are all in use is busy. That they are slow does not mean that the
    server does not respond, and it is not relevant for the next request.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._used = 0
        self._returned_at = 0.0
        self._has_timed_out = False

    def add(self) -> None:
        """Count a connection that a thread got."""
        with self._lock:
            self._used += 1
            self._has_timed_out = False

    def discard(self, *, is_usable: bool) -> None:
        """Count a connection that a thread returns, unless it is closed."""
        with self._lock:
            self._used -= 1
            if is_usable:
                self._returned_at = monotonic()

    def record_timeout(self, start: float) -> bool:
        """Return whether a request has waited since ``start`` because of other requests.

        It has not if no connection was returned and the pool could have opened one.
        """
        with self._lock:
            is_busy = self._used >= self._size or self._returned_at >= start
            self._has_timed_out = is_busy
            return is_busy

    @property
    def is_exhausted(self) -> bool:
        """Whether all connections are in use, and a request has waited for one until the timeout.

        Then the next one need not wait: if the server hangs, threads that wait would be missing for
        requests that need no connection.
        """
        return self._has_timed_out and self._used >= self._size


#: Of each process. While it is open, requests fail at once instead of waiting for the pool.
breaker: Final = CircuitBreaker("database", _NoConnection, seconds=2)
_uses: Final = WeakKeyDictionary["ConnectionPool[Any]", PoolUse]()
_lock: Final = Lock()


def _get_use(pool: "ConnectionPool[Any]") -> PoolUse:
    with _lock:
        return _uses.setdefault(pool, PoolUse(pool.max_size))


class DatabaseWrapper(base.DatabaseWrapper):
    """Raises ``OperationalError`` at once while the server does not respond."""

    #: Where the current connection is counted.
    _use: PoolUse | None = None

    def get_new_connection(self, conn_params: dict[str, object]) -> Connection:
        try:
            with breaker.call():
                return self._get_from_pool(conn_params)
        except CircuitOpen as error:
            raise psycopg.OperationalError(str(error)) from error

    def _get_from_pool(self, conn_params: dict[str, object]) -> Connection:
        if self.pool is None:
            # A connection to the database "postgres", which creates those of tests.
            unpooled: Connection = super().get_new_connection(conn_params)
            return unpooled
        use, start = _get_use(self.pool), monotonic()
        message = "Other requests use all connections of this process."
        if use.is_exhausted:
            SKIPPED_COUNTER.labels(breaker.dependency).inc()
            raise _PoolExhausted(message)
        try:
            connection: Connection = super().get_new_connection(conn_params)
        except PoolTimeout as error:
            if use.record_timeout(start):
                raise _PoolExhausted(message) from error
            raise _NoConnection(str(error)) from error
        use.add()
        self._use = use
        return connection

    def _close(self) -> None:
        use, self._use = self._use, None
        if use is not None:
            use.discard(is_usable=self.connection is not None and not self.connection.closed)
        # Private in Django, and not in the stubs.
        super()._close()  # type: ignore[misc]
