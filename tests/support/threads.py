"""Simultaneous calls, each on a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

_Result = TypeVar("_Result")


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
