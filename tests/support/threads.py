"""Simultaneous calls, each on a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Final, TypeVar

from django.db import connection, transaction

_Result = TypeVar("_Result")

#: PostgreSQL: the sessions that wait for a lock of this one.
_WAITING: Final = """
    SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
"""


def run_at_once(count: int, call: Callable[[int], _Result]) -> list[_Result]:
    """Return the results of simultaneous calls with the numbers from 0."""
    barrier = threading.Barrier(count)

    def work(number: int) -> _Result:
        barrier.wait()
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(work, range(count)))


def run_while_locked(hold: Callable[[], object], call: Callable[[], _Result]) -> _Result:
    """Return the result of a call that begins before the transaction of ``hold`` is committed.

    It is committed once the call waits for one of its locks. Raise ``AssertionError`` if the call
    waits for none. For PostgreSQL.
    """

    def work() -> _Result:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic(), connection.cursor() as cursor:
            hold()
            result = thread.submit(work)
            until = monotonic() + 5
            cursor.execute(_WAITING)
            while cursor.fetchone() is None:
                assert not result.done(), result.result()
                assert monotonic() < until
                sleep(0.005)
                cursor.execute(_WAITING)
        return result.result(timeout=10)
