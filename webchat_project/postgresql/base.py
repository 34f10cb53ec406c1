"""Django's backend for PostgreSQL, which skips a server that cannot be reached.

Django requires the name of this module. The settings require a pool of connections.
"""

from typing import Final, TypeAlias

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

from webchat_project.circuit_breaker import CircuitBreaker, CircuitOpen

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


class _Unreachable(psycopg.OperationalError):
    """The pool could not open a connection."""


#: Of each process. While it is open, requests fail at once instead of waiting for the pool.
breaker: Final = CircuitBreaker("database", _Unreachable, seconds=2)


class DatabaseWrapper(base.DatabaseWrapper):
    """Raises ``OperationalError`` at once while the server cannot be reached."""

    def get_new_connection(self, conn_params: dict[str, object]) -> Connection:
        try:
            with breaker.call():
                return self._get_from_pool(conn_params)
        except CircuitOpen as error:
            raise psycopg.OperationalError(str(error)) from error

    def _get_from_pool(self, conn_params: dict[str, object]) -> Connection:
        failed_before = self._count_failed_attempts()
        try:
            connection: Connection = super().get_new_connection(conn_params)
        except PoolTimeout as error:
            # Without a failed attempt, all connections are in use: the next call may get one.
            if self._count_failed_attempts() == failed_before:
                raise
            raise _Unreachable(str(error)) from error
        return connection

    def _count_failed_attempts(self) -> int:
        """Return how often the process's pool could not connect.

        There is no pool for the connection that creates a test database.
        """
        return int(self.pool.get_stats().get("connections_errors", 0)) if self.pool else 0
