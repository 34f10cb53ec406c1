"""Deletion of icons that no row refers to.

A replaced icon is deleted after the transaction has been committed. If the storage fails, the
object stays, and ``manage.py sweep_icons`` deletes it later.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from organizations.storage_keys import parse_organization_id
from webchats.icons.keys import is_icon_key
from webchats.icons.references import is_referenced, lock_icons
from webchats.icons.storage import StorageUnavailable, icon_storage

logger = logging.getLogger(__name__)


def delete_unused_on_commit(keys: Iterable[str]) -> None:
    """On commit, delete the icons that no row refers to by then. Empty keys are ignored."""
    unique = sorted({key for key in keys if key})
    if unique:
        # Robust: the rows are stored, so an error must not fail the request.
        transaction.on_commit(partial(_delete_all_unused, unique), robust=True)


def _delete_all_unused(keys: list[str]) -> None:
    for key in keys:
        try:
            delete_unused(key)
        except StorageUnavailable as error:
            # Each of the following keys would wait for another timeout.
            logger.warning("Icon %s and following are left for sweep_icons: %s", key, error)
            return


def delete_unused(key: str) -> bool:
    """Delete the icon unless a row refers to it. Return whether it was deleted."""
    organization_id = parse_organization_id(key)
    with transaction.atomic():
        # A row that is about to refer to the icon holds the same lock: see ``validate_icon_key``.
        if organization_id is not None:
            lock_icons(organization_id)
        if is_referenced(key):
            return False
        icon_storage().delete(key)
    return True


class Swept(NamedTuple):
    """An icon that the sweep examined, and whether it was, or would be, deleted."""

    key: str
    deleted: bool


def sweep(*, older_than: timedelta, dry_run: bool) -> Iterator[Swept]:
    """Delete the icons that no row refers to, and yield each icon examined.

    Younger icons are skipped, because a client may be about to store their keys. Objects that are
    not icons are skipped, too.
    """
    cutoff = timezone.now() - older_than
    for found in icon_storage().objects("orgs/"):
        if is_icon_key(found.key) and found.modified_at <= cutoff:
            deleted = not is_referenced(found.key) if dry_run else delete_unused(found.key)
            yield Swept(found.key, deleted)
