"""The staff's way in and out for many webchats, and the record of what came in."""

from datetime import datetime
from io import BytesIO
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.models import User
from organizations.tenancy.admin import TenantAdmin
from webchats.admin.import_form import ImportForm
from webchats.icons.storage import StorageUnavailable
from webchats.imports.downloads import download
from webchats.imports.importer import Options, Source, format_of, run_import
from webchats.imports.report import Problem, Report
from webchats.models import Webchat
from webchats.models.imports import ImportRecord, ImportStatus, PendingImport

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
    """For the webchats' pages to inherit: a file in, in two steps, and the selection as a file."""

    actions: Any = ("export_csv", "export_xlsx", "export_json", "export_ndjson")

    def get_urls(self) -> Any:
        """Django's pages and the two of an import."""
        checked, confirmed = (
            self.admin_site.admin_view(view)
            for view in (self.import_view, require_POST(self.confirm_view))
        )
        return [
            path("import/", checked, name="webchats_webchat_import"),
            path("import/confirm/", confirmed, name="webchats_webchat_import_confirm"),
            *super().get_urls(),
        ]

    # --- Import ---

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """The form; once a file is sent, what importing it would do."""
        user = self._importer(request)
        PendingImport.objects.expired().delete()
        if request.method != "POST":
            return self._form_page(request, ImportForm(user))
        form = ImportForm(user, request.POST, request.FILES)
        if not form.is_valid():
            return self._form_page(request, form)
        PendingImport.objects.filter(user=user).delete()
        asked = form.cleaned_data
        pending = PendingImport(
            organization=form.target,
            user=user,
            file_name=asked["file"].name,
            content=asked["file"].read(),
            update_existing=asked.get("update", False),
            skip_invalid=asked["skip_invalid"],
        )
        report = _run(pending, user, dry_run=True)
        if waits := report.is_good and bool(report.created or report.updated):
            pending.save()
        return self._report_page(request, pending, report, waits=waits)

    def confirm_view(self, request: HttpRequest) -> HttpResponse:
        """Import the file that was checked, as it was checked."""
        user = self._importer(request)
        pending = PendingImport.take(user, request.POST.get("pending", ""))
        if pending is None:
            said = "That file is not kept any more. Nothing was written: please upload it again."
            self.message_user(request, said, messages.WARNING)
            return redirect("admin:webchats_webchat_import")
        if pending.update_existing and not self.has_change_permission(request):
            raise PermissionDenied
        report = _run(pending, user, dry_run=False)
        if not report.is_good:
            # What the rows point to was changed since they were checked.
            return self._report_page(request, pending, report, waits=False)
        self.message_user(request, report.summary, messages.SUCCESS)
        return redirect("admin:webchats_webchat_changelist")

    def _importer(self, request: HttpRequest) -> User:
        if not self.has_add_permission(request):
            raise PermissionDenied
        assert isinstance(request.user, User)
        return request.user

    def _form_page(self, request: HttpRequest, form: ImportForm) -> TemplateResponse:
        fieldsets = [(None, {"fields": list(form.fields)})]
        shown = helpers.AdminForm(form, fieldsets, {}, model_admin=self)  # type: ignore[arg-type]
        return self._page(request, "import_form", form=form, adminform=shown)

    def _report_page(
        self, request: HttpRequest, pending: PendingImport, report: Report, *, waits: bool
    ) -> TemplateResponse:
        more = report.problem_count - len(report.problems)
        context = {"pending": pending, "report": report, "more_problems": more, "waits": waits}
        return self._page(request, "import_report", **context)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        every = self.admin_site.each_context(request)
        context = {**every, "title": "Import webchats", "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/webchats/webchat/{name}.html", context)

    # --- Export ---

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


def _run(pending: PendingImport, user: User, *, dry_run: bool) -> Report:
    format_name = format_of(pending.file_name)
    assert format_name, "the form takes no other file"
    try:
        return run_import(
            Source(BytesIO(pending.content), pending.file_name, format_name),
            organization=pending.organization,
            user=user,
            options=Options(
                update=pending.update_existing, skip_invalid=pending.skip_invalid, dry_run=dry_run
            ),
        )
    except StorageUnavailable:
        report = Report(status=ImportStatus.INTERRUPTED)
        report.add(Problem(None, "icon", StorageUnavailable.client_message))
        return report
