"""Django's backend for PostgreSQL, which skips a server that does not respond.

Django requires the name of this module. The settings require a pool of connections.
"""

from typing import Final, TypeAlias

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

from webchat_project.circuit_breaker import CircuitBreaker, CircuitOpen

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


class _NoConnection(psycopg.OperationalError):
    """The pool could not open a connection, or statements that hang occupy all of them."""


#: Of each process. While it is open, requests fail at once instead of waiting for the pool.
breaker: Final = CircuitBreaker("database", _NoConnection, seconds=2)


class DatabaseWrapper(base.DatabaseWrapper):
    """Raises ``OperationalError`` at once while the server does not respond."""

    def get_new_connection(self, conn_params: dict[str, object]) -> Connection:
        try:
            with breaker.call():
                return self._get_from_pool(conn_params)
        except CircuitOpen as error:
            raise psycopg.OperationalError(str(error)) from error

    def _get_from_pool(self, conn_params: dict[str, object]) -> Connection:
        try:
            connection: Connection = super().get_new_connection(conn_params)
        except PoolTimeout as error:
            raise _NoConnection(str(error)) from error
        return connection
