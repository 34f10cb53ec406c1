"""What becomes of an icon that a row lets go: its object is deleted when nothing refers to it.

Only after the transaction has committed, and without consequence for it: a storage that fails
keeps the object, and ``manage.py sweep_icons`` finds it later.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import models, transaction
from django.utils import timezone

from webchats import icons
from webchats.icons.storage import StorageUnavailable

logger = logging.getLogger(__name__)


def release(keys: Iterable[str], webchats: models.QuerySet[Any]) -> None:
    """Delete the objects after the commit, if no row refers to them then."""
    unique = sorted({key for key in keys if key})
    if unique:
        # Robust: it runs in the request whose work is done, and must not make it fail.
        transaction.on_commit(partial(_delete_all, unique, webchats), robust=True)


def _delete_all(keys: list[str], webchats: models.QuerySet[Any]) -> None:
    for key in keys:
        try:
            icons.delete_unused(key, webchats)
        except StorageUnavailable as error:
            # The others would wait in vain as well.
            logger.warning("Left for sweep_icons, from %s on: %s", key, error)
            return


class Swept(NamedTuple):
    """An object that the sweep found, and whether it was (or would be) deleted."""

    key: str
    deleted: bool


def sweep(
    webchats: models.QuerySet[Any], *, older_than: timedelta, dry_run: bool
) -> Iterator[Swept]:
    """Delete the icons that no row refers to; yield each one looked at.

    A young one is left alone: its client has just uploaded it and is about to name it in a
    document. Objects that are not icons are not ours to delete.
    """
    newest = timezone.now() - older_than
    for found in icons.icon_storage().objects("orgs/"):
        if icons.is_icon_key(found.key) and found.modified <= newest:
            if dry_run:
                yield Swept(found.key, icons.is_unused(found.key, webchats))
            else:
                yield Swept(found.key, icons.delete_unused(found.key, webchats))
