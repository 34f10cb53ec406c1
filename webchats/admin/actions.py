"""What the staff's list does to several webchats at once."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from simple_history.utils import bulk_update_with_history

from organizations.models import User
from webchats.icons.storage import StorageUnavailable
from webchats.models import Webchat


@admin.action(description="Enable", permissions=["change"])
def enable(page: Any, request: HttpRequest, queryset: QuerySet[Webchat]) -> None:
    """Switch on."""
    _switch(page, request, queryset, is_enabled=True)


@admin.action(description="Disable", permissions=["change"])
def disable(page: Any, request: HttpRequest, queryset: QuerySet[Webchat]) -> None:
    """Switch off."""
    _switch(page, request, queryset, is_enabled=False)


def _switch(
    page: Any, request: HttpRequest, queryset: QuerySet[Webchat], *, is_enabled: bool
) -> None:
    rows = list(queryset.exclude(is_enabled=is_enabled))
    for row in rows:
        row.is_enabled, row.updated_at = is_enabled, timezone.now()
    bulk_update_with_history(
        rows, Webchat, ["is_enabled", "updated_at"], batch_size=500, default_user=request.user
    )
    word = "enabled" if is_enabled else "disabled"
    page.message_user(request, f"{len(rows)} {word}.", messages.SUCCESS)


@admin.action(description="Duplicate", permissions=["add"])
def duplicate(page: Any, request: HttpRequest, queryset: QuerySet[Webchat]) -> None:
    """Make copies that are switched off, so that nothing goes live by copying."""
    assert isinstance(request.user, User)
    made = 0
    for row in queryset:
        copy = row.duplicate(by=request.user)
        try:
            # In one transaction: the icon that the check has seen stays until the copy has it.
            with transaction.atomic():
                copy.full_clean()
                copy.save()
        except (ValidationError, StorageUnavailable) as error:
            why = " ".join(getattr(error, "messages", ["The icons cannot be read right now."]))
            page.message_user(request, f"{row} was not duplicated: {why}", messages.ERROR)
            continue
        made += 1
    if made:
        page.message_user(request, f"{made} duplicated, switched off.", messages.SUCCESS)
