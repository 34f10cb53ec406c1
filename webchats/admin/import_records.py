"""The admin pages of past imports, which are read-only."""

from typing import Unpack

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from organizations.admin.badges import BadgeKind, badge
from organizations.admin.site import site
from organizations.admin.times import time_tag
from organizations.options import FormData, FormFiles, ModelFormOptions
from organizations.tenancy.admin import TenantAdmin
from webchats.models.imports import ImportRecord, ImportStatus

_BADGES: dict[ImportStatus, BadgeKind] = {
    ImportStatus.COMPLETED: "good",
    ImportStatus.REFUSED: "bad",
    ImportStatus.INTERRUPTED: "warn",
}


class ImportRecordForm(forms.ModelForm[ImportRecord]):
    """A form whose labels have no colons. All of its values are read-only."""

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[ImportRecord]],
    ) -> None:
        super().__init__(data, files, **options)
        self.label_suffix = ""


@admin.register(ImportRecord, site=site)
class ImportRecordAdmin(TenantAdmin[ImportRecord]):
    """Past imports. The importer creates the records; deleting an organization deletes them."""

    form = ImportRecordForm
    is_secondary = True
    purpose = (
        "Each import of a file is recorded here, with its result. Import begins one, above the "
        "lists of webchats, contacts, knowledge entries and canned replies."
    )
    list_display = (
        "file_name",
        "state",
        "started",
        "user",
        "rows_created",
        "rows_updated",
        "unchanged",
        "invalid",
    )
    list_select_related = ("user",)
    list_filter = ("status", "resource")
    search_fields = ("file_name",)
    search_help_text = "Search file names"
    fieldsets = (
        ("File", {"fields": ("file_name", "resource", "sha256")}),
        (
            "Import",
            {"fields": ("user", "started", "finished", ("update_existing", "skip_invalid"))},
        ),
        (
            "Result",
            {"fields": ("state", ("rows_created", "rows_updated"), ("unchanged", "invalid"))},
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: only the importer creates records."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ImportRecord | None = None) -> bool:
        """Deny: records do not change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ImportRecord | None = None) -> bool:
        """Deny on these pages, but allow it when Django asks before deleting an organization."""
        match = request.resolver_match
        is_own_page = match is None or str(match.url_name).startswith("webchats_importrecord_")
        return not is_own_page and super().has_delete_permission(request, obj)

    @admin.display(description="status", ordering="status")
    def state(self, record: ImportRecord) -> SafeString:
        status = ImportStatus(record.status)
        return badge(status.label.capitalize(), _BADGES.get(status, "quiet"))

    @admin.display(description="started (UTC)", ordering="created_at")
    def started(self, record: ImportRecord) -> SafeString:
        return time_tag(record.created_at)

    @admin.display(description="finished (UTC)")
    def finished(self, record: ImportRecord) -> SafeString | None:
        return time_tag(record.finished_at) if record.finished_at else None

    # A dry run writes nothing. The number of rows it would write may differ by now.
    @admin.display(description="created", ordering="created")
    def rows_created(self, record: ImportRecord) -> int | None:
        return None if record.status == ImportStatus.CHECKED else record.created

    @admin.display(description="updated", ordering="updated")
    def rows_updated(self, record: ImportRecord) -> int | None:
        return None if record.status == ImportStatus.CHECKED else record.updated

    @admin.display(description="invalid", ordering="rejected")
    def invalid(self, record: ImportRecord) -> int:
        return record.rejected
