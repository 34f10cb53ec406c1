"""Limits of concurrent operations in a process, which those of one organization could fill."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Final

from organizations.models import User
from webchat_project.api.exceptions import DependencyUnavailable

#: Searches of one organization, and of all, that run at a time in a process.
MAX_SEARCHES_OF_ONE: Final = 4
MAX_SEARCHES: Final = 8


class SearchesBusy(DependencyUnavailable):
    """The search was not started, because of others that run."""

    log_message = "A search was not started"
    client_message = "Other searches are running. Try again in a moment."


class ConcurrencyLimit:
    """The running operations of one kind in this process, by organization."""

    def __init__(self, limit: int, of_one: int = 1) -> None:
        self._limit, self._of_one = limit, of_one
        self._running = Counter[str]()
        # Reentrant: garbage collection may discard an abandoned operation at any time.
        self._lock = RLock()

    def add(
        self, organization_id: str, same: DependencyUnavailable, others: DependencyUnavailable
    ) -> None:
        """Add an operation.

        Raise ``same`` if the organization has as many as it may have, ``others`` at the limit.
        """
        with self._lock:
            if self._running[organization_id] >= self._of_one:
                raise same
            if self._running.total() >= self._limit:
                raise others
            self._running[organization_id] += 1

    def discard(self, organization_id: str) -> None:
        """Remove an operation of the organization."""
        with self._lock:
            self._running[organization_id] -= 1
            # Removes organizations without an operation.
            self._running = +self._running


_searches: Final = ConcurrencyLimit(MAX_SEARCHES, MAX_SEARCHES_OF_ONE)


@contextmanager
def search_slot(user: User) -> Iterator[None]:
    """Count a search of the user's organization during the block.

    A search for a frequent word can take until ``DATABASE_STATEMENT_SECONDS``. Raise
    ``SearchesBusy`` at the limit.
    """
    organization_id = user.organization_id or user.pk
    _searches.add(organization_id, SearchesBusy(), SearchesBusy())
    try:
        yield
    finally:
        _searches.discard(organization_id)
