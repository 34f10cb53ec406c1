"""The time and host of a widget's last load, which show whether it is installed."""

from typing import ClassVar, Final, Self

from django.db import models

from organizations.tenancy.models import TenantQuerySet, TenantScoped

#: The longest host name (RFC 1035).
HOST_LENGTH = 253

_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1", "[::1]")


class LastLoadQuerySet(TenantQuerySet["LastLoad"]):
    """Last loads of widgets."""

    def on_public_hosts(self) -> Self:
        """Return the loads by pages of known hosts, except those of the visitor's own machine."""
        return self.exclude(host__in=("", *_LOCAL_HOSTS)).exclude(host__endswith=".localhost")


LastLoadManager = models.Manager.from_queryset(LastLoadQuerySet)


class LastLoad(TenantScoped):
    """The last load of a webchat's widget, without the path, address or other data of the visitor.

    A separate table, so that visitors' requests do not write to rows that staff edit.
    """

    tenant_path = "webchat__organization_id"
    is_detail = True

    webchat = models.OneToOneField(
        "webchats.Webchat", on_delete=models.CASCADE, related_name="last_load", editable=False
    )
    webchat_id: str
    host = models.CharField(
        max_length=HOST_LENGTH,
        blank=True,
        default="",
        editable=False,
        help_text="Empty if the request did not name it.",
    )
    loaded_at = models.DateTimeField(editable=False)

    objects: ClassVar[LastLoadManager["LastLoad"]] = LastLoadManager()

    def __str__(self) -> str:
        return f"{self.host or 'unknown host'}, {self.loaded_at:%Y-%m-%d %H:%M}"
