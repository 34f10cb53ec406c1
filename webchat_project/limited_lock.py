"""A lock for operations that need much memory or time, for which few threads wait."""

from collections.abc import Callable
from threading import BoundedSemaphore, Lock
from typing import TypeVar

Result = TypeVar("Result")


class LimitedLock:
    """A lock for which at most ``max_waiting`` threads wait. Others get the exception ``busy``.

    Without the limit, every thread of a process could wait, and none would serve other requests.
    ``reserved`` more threads may wait with ``is_preferred``.
    """

    def __init__(self, max_waiting: int, busy: type[Exception], *, reserved: int = 0) -> None:
        self._lock = Lock()
        self._busy = busy
        #: One for the thread that holds the lock, and one for each that waits.
        self._slots = BoundedSemaphore(1 + max_waiting)
        self._reserved_slots = BoundedSemaphore(reserved) if reserved else None

    def run(self, function: Callable[[], Result], *, is_preferred: bool = False) -> Result:
        """Return the function's result. Raise ``busy`` at once if too many threads wait."""
        slots = [self._slots]
        if is_preferred and self._reserved_slots:
            slots.append(self._reserved_slots)
        taken = next((slot for slot in slots if slot.acquire(blocking=False)), None)
        if taken is None:
            raise self._busy("Too many threads wait")
        try:
            with self._lock:
                return function()
        finally:
            taken.release()
