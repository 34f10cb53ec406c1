"""Limits of concurrent imports and exports: one of an organization, and few of a process.

An import uses the processor for seconds, and an export lasts until the client has read it. Without
limits, those of one organization could occupy every thread of an instance.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from organizations.models import Organization
from organizations.tenancy.concurrency import ConcurrencyLimit
from webchat_project.api.exceptions import DependencyUnavailable

#: Imports of requests that run at a time in a process.
MAX_IMPORTS: Final = 2
#: Exports of requests that run at a time in a process.
MAX_EXPORTS: Final = 3


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


class ExportsBusy(DependencyUnavailable):
    """The export was not started, because of others that run."""

    log_message = "An export was not started"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.client_message = message


_imports: Final = ConcurrencyLimit(MAX_IMPORTS)
_exports: Final = ConcurrencyLimit(MAX_EXPORTS)


@contextmanager
def import_slot(organization_id: str) -> Iterator[None]:
    """Count an import of this process during the block.

    Raise ``ImportsBusy`` if another of the organization or ``MAX_IMPORTS`` run.
    """
    others = ImportsBusy("Other imports are running. Try again in a minute.")
    _imports.add(organization_id, OrganizationBusy(), others)
    try:
        yield
    finally:
        _imports.discard(organization_id)


def start_export(organization_id: str) -> Callable[[], None]:
    """Count an export of this process, and return the function that ends it.

    Raise ``ExportsBusy`` if another of the organization or ``MAX_EXPORTS`` run.
    """
    same = "Another export of this organization is running. Try again when it has finished."
    others = "Other exports are running. Try again in a minute."
    _exports.add(organization_id, ExportsBusy(same), ExportsBusy(others))
    return partial(_exports.discard, organization_id)


def lock_organization(organization_id: str, *, wait: bool) -> None:
    """Lock the organization's row, so that no other process imports until the transaction ends.

    Raise ``OrganizationBusy`` if another import has locked it, unless ``wait``. On SQLite, every
    transaction waits for the previous one.
    """
    # The lock must not block rows that refer to the organization.
    rows = Organization.objects.select_for_update(no_key=True, skip_locked=not wait)
    if not list(rows.filter(pk=organization_id).values_list("pk")):
        raise OrganizationBusy
