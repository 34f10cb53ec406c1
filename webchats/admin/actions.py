"""Actions on several webchats: enable, disable, duplicate, export."""

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from simple_history.utils import bulk_update_with_history

from organizations.models import User
from organizations.tenancy.models import TenantModel
from webchats.icons.storage import StorageUnavailable
from webchats.imports.exporter import WorkbookTooLarge, export_response
from webchats.models import Webchat
from webchats.services import duplicate_webchat

ModelAdmin: TypeAlias = "admin.ModelAdmin[Webchat]"

#: How many webchats are in memory at a time.
_BATCH: Final = 500
#: How many webchats one request duplicates: each copy is validated, and its icon is stored again.
MAX_DUPLICATES: Final = 100


@admin.action(description="Enable", permissions=["change"])
def enable(model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Webchat]) -> None:
    """Enable the webchats, each with a history record."""
    count = _set_enabled(queryset, request, is_enabled=True)
    model_admin.message_user(request, f"{_webchats(count)} enabled.", messages.SUCCESS)


@admin.action(description="Disable", permissions=["change"])
def disable(model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Webchat]) -> None:
    """Disable the webchats, each with a history record."""
    count = _set_enabled(queryset, request, is_enabled=False)
    model_admin.message_user(request, f"{_webchats(count)} disabled.", messages.SUCCESS)


@transaction.atomic
def _set_enabled(queryset: QuerySet[Webchat], request: HttpRequest, *, is_enabled: bool) -> int:
    """Return how many webchats were changed."""
    keys = list(queryset.exclude(is_enabled=is_enabled).values_list("pk", flat=True))
    # In batches, because an organization can have many webchats.
    for start in range(0, len(keys), _BATCH):
        changed = list(Webchat.objects.filter(pk__in=keys[start : start + _BATCH]))
        for webchat in changed:
            webchat.is_enabled, webchat.updated_at = is_enabled, timezone.now()
        columns = ["is_enabled", "updated_at"]
        bulk_update_with_history(changed, Webchat, columns, default_user=request.user)
    return len(keys)


@admin.action(description="Duplicate", permissions=["add"])
def duplicate(model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[Webchat]) -> None:
    """Create a disabled copy of each webchat."""
    assert isinstance(request.user, User)
    # At most one more, so that a large selection is not counted.
    webchats = list(queryset[: MAX_DUPLICATES + 1])
    if len(webchats) > MAX_DUPLICATES:
        message = (
            f"Nothing was duplicated: at most {MAX_DUPLICATES} webchats can be duplicated at a "
            "time. Select fewer, or export them and import the file without its column _id."
        )
        model_admin.message_user(request, message, messages.ERROR)
        return
    count = 0
    for webchat in webchats:
        try:
            duplicate_webchat(webchat=webchat, user=request.user)
        except ValidationError as error:
            message = f"{webchat} was not duplicated: {' '.join(error.messages)}"
            model_admin.message_user(request, message, messages.ERROR)
        except StorageUnavailable as error:
            message = f"{webchat} was not duplicated: {error.client_message}"
            model_admin.message_user(request, message, messages.ERROR)
        else:
            count += 1
    if count:
        copies = "The copy is" if count == 1 else "The copies are"
        message = f"{_webchats(count)} duplicated. {copies} disabled."
        model_admin.message_user(request, message, messages.SUCCESS)


def _webchats(count: int) -> str:
    """Return the count with its noun."""
    return "1 webchat" if count == 1 else f"{count:,} webchats"


_Row = TypeVar("_Row", bound=TenantModel)
#: Returns the rows as a download in a format of ``webchats.imports``.
Respond: TypeAlias = "Callable[[QuerySet[_Row], str, User], StreamingHttpResponse]"
ExportAction: TypeAlias = (
    "Callable[[admin.ModelAdmin[_Row], HttpRequest, QuerySet[_Row]], StreamingHttpResponse | None]"
)

_LABELS: Final = {"csv": "CSV", "xlsx": "Excel", "json": "JSON", "ndjson": "NDJSON"}


def export_actions(
    rows: str, respond: "Respond[_Row]", *, permission: str = "view"
) -> "tuple[ExportAction[_Row], ...]":
    """Return an action for each format, which downloads the selected rows.

    The user needs the ``permission`` of the model.
    """
    return tuple(
        _export_action(rows, respond, name, label, permission) for name, label in _LABELS.items()
    )


def _export_action(
    rows: str, respond: "Respond[_Row]", format_name: str, label: str, permission: str
) -> "ExportAction[_Row]":
    @admin.action(description=f"Export selected {rows} as {label}", permissions=[permission])
    def export(
        model_admin: "admin.ModelAdmin[_Row]", request: HttpRequest, queryset: QuerySet[_Row]
    ) -> StreamingHttpResponse | None:
        assert isinstance(request.user, User)
        try:
            return respond(queryset, format_name, request.user)
        except WorkbookTooLarge as error:
            model_admin.message_user(request, str(error), messages.ERROR)
            return None

    # Django uses the function's name as the value of the action.
    export.__name__ = f"export_{format_name}"
    return export


def _export_webchats(
    webchats: QuerySet[Webchat], format_name: str, user: User
) -> StreamingHttpResponse:
    return export_response(webchats, format_name, user=user)


EXPORTS: Final = export_actions("webchats", _export_webchats)
