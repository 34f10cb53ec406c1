"""The history page of a prompt, which restores earlier versions."""

import re
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from organizations.admin.usage import UsageAdmin
from organizations.models import Prompt
from organizations.models.prompt import VERSIONED_FIELDS

#: At most 18 digits: the databases raise an error for larger integers.
_RECORD_ID: Final = re.compile("[0-9]{1,18}", re.ASCII)
_RESTORED: Final = "Version {old} is restored, as version {new}."
_UNCHANGED: Final = "Version {old} has the same instructions and settings as the prompt has now."
_CONFLICT: Final = (
    "Nothing was restored, because the prompt was changed since this page was opened. "
    "Check the changes and try again."
)
_INVALID: Final = "Version {old} cannot be restored: {reasons}"


class PromptVersionsMixin(UsageAdmin[Prompt]):
    """The buttons "Restore this version", for the admin of prompts to inherit."""

    object_history_template = "admin/organizations/prompt/history.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the URL that restores a version."""
        return [
            path(
                "<path:object_id>/history/restore/",
                self.admin_site.admin_view(self.restore_version_view),
                name="organizations_prompt_restore",
            ),
            *super().get_urls(),
        ]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Show the versions, with a button for each earlier one if the user may change prompts."""
        can_restore = self.has_change_permission(request)
        context = {"can_restore": can_restore, **(extra_context or {})}
        return super().history_view(request, object_id, context)

    @transaction.atomic
    def restore_version_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Copy the instructions and settings of a history record to the prompt.

        Nothing is written if the prompt is no longer the one that the page showed. Other methods
        than POST, as after signing in again, only show the history.
        """
        prompt = self.get_object(request, object_id)
        if prompt is None:
            raise Http404
        if not self.has_change_permission(request, prompt):
            raise PermissionDenied
        if request.method == "POST":
            record = _find_record(prompt, request.POST.get("record", ""))
            level, message = messages.WARNING, _CONFLICT
            if request.POST.get("version") == prompt.row_version:
                level, message = _restore(prompt, record)
            self.message_user(request, message, level)
        return redirect("admin:organizations_prompt_history", prompt.pk)


def _find_record(prompt: Prompt, record_id: str) -> Prompt:
    """Return the history record of the prompt with this id. Raise ``Http404`` if it has none."""
    # After a deletion, another organization's row can have had the same id.
    records = prompt.history.filter(organization_id=prompt.organization_id)
    record: Prompt | None = (
        records.filter(history_id=record_id).first() if _RECORD_ID.fullmatch(record_id) else None
    )
    if record is None:
        raise Http404
    return record


def _restore(prompt: Prompt, record: Prompt) -> tuple[int, str]:
    """Save the versioned fields of the record. Return the level and text of the result."""
    old = record.version
    for name in VERSIONED_FIELDS:
        setattr(prompt, name, getattr(record, name))
    current = prompt.version
    try:
        # A provider may have been deleted since.
        prompt.full_clean()
    except ValidationError as error:
        return messages.ERROR, _INVALID.format(old=old, reasons=" ".join(error.messages))
    prompt.save()
    if prompt.version == current:
        return messages.INFO, _UNCHANGED.format(old=old)
    return messages.SUCCESS, _RESTORED.format(old=old, new=prompt.version)
