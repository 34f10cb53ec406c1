"""Limits of concurrent imports: one of an organization, and few of a process.

An import uses the processor for seconds. Without limits, the imports of one organization could
occupy every thread of an instance.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from organizations.models import Organization
from webchat_project.api.exceptions import DependencyUnavailable

#: Imports of requests that run at a time in a process.
MAX_IMPORTS: Final = 2

_lock = Lock()
_running: set[str] = set()


class ImportsBusy(DependencyUnavailable):
    """The import was not started, because of others that run."""

    log_message = "An import was not started"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.client_message = message


class OrganizationBusy(ImportsBusy):
    """Another import of the organization runs."""

    def __init__(self) -> None:
        super().__init__(
            "Another import of this organization is running. Try again when it has finished."
        )


@contextmanager
def import_slot(organization_id: str) -> Iterator[None]:
    """Count an import of this process during the block.

    Raise ``ImportsBusy`` if another of the organization or ``MAX_IMPORTS`` run.
    """
    with _lock:
        if organization_id in _running:
            raise OrganizationBusy
        if len(_running) >= MAX_IMPORTS:
            raise ImportsBusy("Other imports are running. Try again in a minute.")
        _running.add(organization_id)
    try:
        yield
    finally:
        with _lock:
            _running.discard(organization_id)


def lock_organization(organization_id: str, *, wait: bool) -> None:
    """Lock the organization's row, so that no other process imports until the transaction ends.

    Raise ``OrganizationBusy`` if another import has locked it, unless ``wait``. On SQLite, every
    transaction waits for the one before.
    """
    # The lock must not block rows that refer to the organization.
    rows = Organization.objects.select_for_update(no_key=True, skip_locked=not wait)
    if not list(rows.filter(pk=organization_id).values_list("pk")):
        raise OrganizationBusy
