"""When, and on which host, each widget was last loaded: so that staff see whether it runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from organizations.tenancy.models import TenantScoped

logger = logging.getLogger(__name__)

HOST_LENGTH = 253
#: A busy site writes one row a minute, not one for each visitor.
INTERVAL = timedelta(minutes=1)


class LastLoad(TenantScoped):
    """The last load of a webchat's widget. Nothing about the visitor: no path, no address.

    A table of its own, so that a visitor's request never writes to a row that staff edit.
    """

    tenant_path = "webchat__organization_id"

    webchat = models.OneToOneField(
        "webchats.Webchat", on_delete=models.CASCADE, related_name="last_load", editable=False
    )
    webchat_id: str
    host = models.CharField(
        max_length=HOST_LENGTH,
        blank=True,
        default="",
        editable=False,
        help_text="Empty: the page did not say.",
    )
    loaded_at = models.DateTimeField(editable=False)

    def __str__(self) -> str:
        return f"{self.host or 'unknown host'}, {self.loaded_at:%Y-%m-%d %H:%M}"


def host_of(*, origin: str | None, referer: str | None) -> str:
    """The host that a request's headers name; empty for an opaque or unreadable origin."""
    try:
        host = urlsplit(referer or "" if origin is None else origin).hostname or ""
    except ValueError:
        return ""
    return host if len(host) <= HOST_LENGTH and host.isascii() and host.isprintable() else ""


@contextmanager
def _without_waiting() -> Iterator[None]:
    """On SQLite, where one writer at a time holds the whole database: give up instead of waiting
    until an import has ended."""
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


def record_load(webchat: Any, host: str) -> None:
    """Note that ``webchat`` was loaded on ``host``, at most once in ``INTERVAL``.

    ``webchat`` comes with its ``last_load`` selected, so that nothing is asked here while the note
    is fresh. A note that cannot be written is logged and costs the visitor nothing.
    """
    now = timezone.now()
    last: LastLoad | None = getattr(webchat, "last_load", None)
    if last is not None and now - last.loaded_at < INTERVAL:
        return
    try:
        with _without_waiting(), transaction.atomic():
            if last is None:
                note = LastLoad(webchat_id=webchat.pk, host=host, loaded_at=now)
                LastLoad.objects.bulk_create([note], ignore_conflicts=True)
            else:
                # The condition makes one writer of many that come at once.
                stale = LastLoad.objects.filter(pk=last.pk, loaded_at__lte=now - INTERVAL)
                stale.update(host=host, loaded_at=now, updated_at=now)
    except DatabaseError as error:
        logger.warning("The load of webchat %s was not noted: %s", webchat.pk, error)
