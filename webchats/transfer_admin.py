"""The staff's way in and out for many webchats, and the record of what came in."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.admin import badge
from organizations.staff_site import site
from organizations.tenancy.admin import TenantAdmin
from webchats.downloads import download
from webchats.import_record import ImportRecord, ImportStatus
from webchats.models import Webchat

_KINDS = {
    ImportStatus.COMPLETED: "good",
    ImportStatus.REFUSED: "bad",
    ImportStatus.INTERRUPTED: "warn",
}


def _moment(at: datetime) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%d %b %Y, %H:%M}")


@admin.register(ImportRecord, site=site)
class ImportRecordAdmin(TenantAdmin[ImportRecord]):
    """Records are read. The importer writes them, and they go with their organization."""

    list_display: Any = (
        "file_name",
        "state",
        "started",
        "user",
        "created",
        "updated",
        "unchanged",
        "rejected",
    )
    list_select_related = ("user",)
    list_filter = ("status",)
    search_fields = ("file_name",)
    search_help_text = "Search file names"
    fieldsets = (
        ("File", {"fields": ("file_name", "sha256")}),
        (
            "Import",
            {"fields": ("user", "started", "finished", ("update_existing", "skip_invalid"))},
        ),
        (
            "Result",
            {"fields": ("state", ("created", "updated"), ("unchanged", "rejected"))},
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ImportRecord | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ImportRecord | None = None) -> bool:
        """Not on these pages. Django asks this also of whoever deletes the organization."""
        match = request.resolver_match
        here = match is None or str(match.url_name).startswith("webchats_importrecord_")
        return not here and super().has_delete_permission(request, obj)

    @admin.display(description="status", ordering="status")
    def state(self, record: ImportRecord) -> SafeString:
        status = ImportStatus(record.status)
        return badge(status.label.capitalize(), _KINDS.get(status, "quiet"))

    @admin.display(description="started", ordering="created_at")
    def started(self, record: ImportRecord) -> SafeString:
        return _moment(record.created_at)

    @admin.display(description="finished")
    def finished(self, record: ImportRecord) -> SafeString | None:
        return _moment(record.finished_at) if record.finished_at else None


class TransferAdmin(TenantAdmin[Webchat]):
    """For the webchats' pages to inherit: the selection as a file."""

    actions: Any = ("export_csv", "export_xlsx", "export_json", "export_ndjson")

    @admin.action(description="Export selected webchats as CSV", permissions=["view"])
    def export_csv(
        self, request: HttpRequest, queryset: models.QuerySet[Webchat]
    ) -> StreamingHttpResponse:
        return download(queryset, "csv")

    @admin.action(description="Export selected webchats as Excel", permissions=["view"])
    def export_xlsx(
        self, request: HttpRequest, queryset: models.QuerySet[Webchat]
    ) -> StreamingHttpResponse:
        return download(queryset, "xlsx")

    @admin.action(description="Export selected webchats as JSON", permissions=["view"])
    def export_json(
        self, request: HttpRequest, queryset: models.QuerySet[Webchat]
    ) -> StreamingHttpResponse:
        return download(queryset, "json")

    @admin.action(description="Export selected webchats as NDJSON", permissions=["view"])
    def export_ndjson(
        self, request: HttpRequest, queryset: models.QuerySet[Webchat]
    ) -> StreamingHttpResponse:
        return download(queryset, "ndjson")
