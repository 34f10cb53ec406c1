"""Writes that affect more than the columns of one row."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from organizations.fields import NAME_LENGTH
from organizations.models import Organization, User
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.icons.images import SanitizedImage
from webchats.icons.storage import store_image
from webchats.models import LastLoad, Webchat
from webchats.widget.response_cache import invalidate_on_commit

logger = logging.getLogger(__name__)

_COPY_SUFFIX: Final = " (copy)"

#: Minimum time between two recorded loads of a widget.
LOAD_INTERVAL: Final = timedelta(minutes=1)


def duplicate_webchat(*, webchat: Webchat, user: User) -> Webchat:
    """Store a disabled copy of the webchat that belongs to ``user``, and return it.

    Raises ``ValidationError`` if the copy is not valid, for example because the prompt is not
    active any more, and ``StorageUnavailable`` if its icon cannot be checked.
    """
    columns = [
        field.attname
        for field in Webchat._meta.concrete_fields
        if field.editable or field.name == "icon"
    ]
    copy = Webchat(
        organization_id=webchat.organization_id,
        user=user,
        created_by=user,
        **{column: getattr(webchat, column) for column in columns},
    )
    copy.name = f"{webchat.name[: NAME_LENGTH - len(_COPY_SUFFIX)]}{_COPY_SUFFIX}"
    copy.is_enabled = False
    # In one transaction: validation locks the icon until the copy refers to it.
    with transaction.atomic():
        copy.full_clean()
        copy.save()
    return copy


def end_sessions(*, webchat: Webchat) -> Webchat:
    """End the sessions of all visitors of the webchat, and return it.

    Their conversations stay. A token that was issued earlier cannot be renewed, so the next message
    of a visitor starts a new conversation.
    """
    webchat.sessions_valid_from = timezone.now()
    webchat.save(update_fields=["sessions_valid_from", "updated_at"])
    return webchat


def set_default_icon(*, organization: Organization, image: SanitizedImage | None) -> Organization:
    """Set the organization's default icon, or remove it if ``None``. Return the organization.

    Raises ``StorageUnavailable`` if the image cannot be stored. Nothing is changed then.
    """
    key = "" if image is None else store_image(organization.pk, image)
    with transaction.atomic():
        stored = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        delete_unused_on_commit([stored.default_icon])
        organization.default_icon = key
        organization.save(update_fields=["default_icon", "updated_at"])
        invalidate_on_commit()
    return organization


def record_load(*, webchat: Webchat, host: str) -> None:
    """Record that the widget was loaded on ``host``, at most once in ``LOAD_INTERVAL``.

    ``webchat`` must have been selected with its ``last_load``, so that a recent record costs no
    query. A failure is logged: it must not affect the visitor.
    """
    now = timezone.now()
    last: LastLoad | None = getattr(webchat, "last_load", None)
    if last is not None and now - last.loaded_at < LOAD_INTERVAL:
        return
    try:
        with _without_busy_timeout(), transaction.atomic():
            if last is None:
                load = LastLoad(webchat_id=webchat.pk, host=host, loaded_at=now)
                LastLoad.objects.bulk_create([load], ignore_conflicts=True)
            else:
                # Of several simultaneous requests only the first one matches the condition.
                outdated = LastLoad.objects.filter(pk=last.pk, loaded_at__lte=now - LOAD_INTERVAL)
                outdated.update(host=host, loaded_at=now, updated_at=now)
    except DatabaseError as error:
        logger.warning("The load of webchat %s was not recorded: %s", webchat.pk, error)


@contextmanager
def _without_busy_timeout() -> Iterator[None]:
    """Fail at once if SQLite is locked, instead of waiting for another writer such as an import."""
    if connection.vendor != "sqlite":
        yield
        return
    milliseconds = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
