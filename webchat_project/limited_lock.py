"""A lock for operations that need much memory or time, for which few threads wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock


class LimitedLock:
    """A lock for which at most ``max_waiting`` threads wait. Others get the exception ``busy``.

    Without the limit, every thread of a process could wait, and none would serve other requests.
    """

    def __init__(self, max_waiting: int, busy: type[Exception]) -> None:
        self._lock = Lock()
        self._busy = busy
        self._max_waiting = max_waiting
        #: One for the thread that holds the lock, and one for each that waits.
        self._threads = BoundedSemaphore(1 + max_waiting)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock during the block. Raise ``busy`` at once if too many threads wait."""
        if not self._threads.acquire(blocking=False):
            raise self._busy(f"{self._max_waiting} threads wait")
        try:
            with self._lock:
                yield
        finally:
            self._threads.release()
