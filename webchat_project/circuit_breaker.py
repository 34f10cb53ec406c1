"""Circuit breakers: a dependency that does not respond is skipped for some seconds.

A library would not do: pybreaker 1.4 holds a lock during each call, so that the calls of a process
run one after the other, and circuitbreaker 2.1 and purgatory 3.0 let every thread call a dependency
again at the same moment. A thread that waits for a timeout serves no requests.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import Final

from prometheus_client import Counter

logger = logging.getLogger(__name__)

OPENED_COUNTER: Final = Counter(
    "webchats_circuit_breaker_opened_total",
    "Times that a dependency did not respond and was skipped from then on.",
    ["dependency"],  # cache, database, icons
)
SKIPPED_COUNTER: Final = Counter(
    "webchats_circuit_breaker_skipped_total",
    "Calls that were skipped, because the dependency had not responded before.",
    ["dependency"],
)


class CircuitOpen(Exception):
    """The dependency was not called: it did not respond before, or too many calls wait for it."""


class CircuitBreaker:
    """The circuit breaker of one dependency in this process, shared by all threads.

    One failure opens it. Then all calls are skipped, except for one every ``seconds``: it closes
    the breaker if it succeeds. At most ``max_calls`` calls wait for the dependency at a time,
    so that the other threads serve requests until the first of these calls fails.
    """

    def __init__(
        self,
        dependency: str,
        *failures: type[Exception],
        seconds: float = 5,
        max_calls: int | None = None,
    ) -> None:
        self.dependency, self.failures, self.seconds = dependency, failures, seconds
        self._slots = BoundedSemaphore(max_calls) if max_calls else None
        self._lock = Lock()
        #: When the next call is made; ``None`` while the breaker is closed.
        self._retry_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are skipped."""
        return self._retry_at is not None

    @contextmanager
    def call(self) -> Iterator[None]:
        """Enclose one call. One of ``failures`` opens the breaker and is raised again.

        Raises ``CircuitOpen`` without running the block if the call is skipped.
        """
        if self._retry_at is not None and not self._is_due():
            self._skip("it did not respond before")
        if self._slots and not self._slots.acquire(blocking=False):
            self._skip("too many calls wait for it")
        try:
            yield
        except self.failures as error:
            self._open(error)
            raise
        except Exception:
            self._close()  # The dependency responded with an error.
            raise
        else:
            self._close()
        finally:
            if self._slots:
                self._slots.release()

    def reset(self) -> None:
        """Close the breaker, as if no call had failed."""
        self._retry_at = None

    def _is_due(self) -> bool:
        """Return whether the caller has to try again."""
        with self._lock:
            if self._retry_at is not None:
                if monotonic() < self._retry_at:
                    return False
                self._retry_at = monotonic() + self.seconds
            return True

    def _skip(self, reason: str) -> None:
        SKIPPED_COUNTER.labels(self.dependency).inc()
        raise CircuitOpen(f"The dependency {self.dependency!r} is skipped: {reason}.")

    def _open(self, error: Exception) -> None:
        with self._lock:
            was_open = self.is_open
            self._retry_at = monotonic() + self.seconds
        if not was_open:
            OPENED_COUNTER.labels(self.dependency).inc()
            logger.error(
                "The dependency %r does not respond and is skipped: %s", self.dependency, error
            )

    def _close(self) -> None:
        if self._retry_at is None:
            return
        with self._lock:
            was_open = self.is_open
            self._retry_at = None
        if was_open:
            logger.warning("The dependency %r responds again.", self.dependency)
