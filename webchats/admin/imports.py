"""Import of webchats in the admin site: upload a file, review the report, confirm."""

from io import BytesIO

from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from organizations.models import User
from organizations.tenancy.admin import TenantAdmin
from webchats.admin.import_form import ImportForm
from webchats.icons.storage import StorageUnavailable
from webchats.imports.concurrency import ImportsBusy
from webchats.imports.formats import detect_format
from webchats.imports.importer import ImportOptions, ImportSource, run_import
from webchats.imports.report import ImportReport
from webchats.imports.rows import ImportProblem
from webchats.models import Webchat
from webchats.models.imports import ImportStatus, PendingImport


class WebchatImportMixin(TenantAdmin[Webchat]):
    """The two pages of an import, for the admin of webchats to inherit."""

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of the two pages."""
        upload = self.admin_site.admin_view(self.import_view)
        confirm = self.admin_site.admin_view(require_POST(self.confirm_import_view))
        return [
            path("import/", upload, name="webchats_webchat_import"),
            path("import/confirm/", confirm, name="webchats_webchat_import_confirm"),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Return the upload form, or the report of a dry run of the uploaded file.

        The file is stored for confirmation if importing it would change anything. It replaces
        the user's earlier file.
        """
        user = self._importing_user(request)
        PendingImport.objects.expired().delete()
        if request.method != "POST":
            return self._form_response(request, ImportForm(user))
        form = ImportForm(user, request.POST, request.FILES)
        if not form.is_valid():
            return self._form_response(request, form)
        PendingImport.objects.filter(user=user).delete()
        pending = PendingImport(
            organization=form.target,
            user=user,
            file_name=form.cleaned_data["file"].name,
            content=form.cleaned_data["file"].read(),
            update_existing=form.cleaned_data.get("update", False),
            skip_invalid=form.cleaned_data["skip_invalid"],
        )
        report = _run(pending, user, dry_run=True)
        can_confirm = report.is_good and bool(report.created or report.updated)
        if can_confirm:
            pending.save()
        return self._report_response(request, pending, report, can_confirm=can_confirm)

    def confirm_import_view(self, request: HttpRequest) -> HttpResponse:
        """Import the stored file with the options that it was checked with."""
        user = self._importing_user(request)
        pending = PendingImport.take(user, request.POST.get("pending", ""))
        if pending is None:
            message = "The upload has expired. Nothing was imported. Upload the file again."
            self.message_user(request, message, messages.WARNING)
            return redirect("admin:webchats_webchat_import")
        if pending.update_existing and not self.has_change_permission(request):
            raise PermissionDenied
        report = _run(pending, user, dry_run=False)
        if not report.is_good:
            # Rows that the file refers to have changed since the dry run.
            return self._report_response(request, pending, report, can_confirm=False)
        self.message_user(request, report.summary, messages.SUCCESS)
        return redirect("admin:webchats_webchat_changelist")

    def _importing_user(self, request: HttpRequest) -> User:
        if not self.has_add_permission(request):
            raise PermissionDenied
        assert isinstance(request.user, User)
        return request.user

    def _form_response(self, request: HttpRequest, form: ImportForm) -> TemplateResponse:
        fieldsets = [(None, {"fields": list(form.fields)})]
        # The template of a fieldset works with every form, though the stubs require a model form.
        admin_form = AdminForm(form, fieldsets, {}, model_admin=self)  # type: ignore[arg-type]
        return self._response(request, "import_form", form=form, adminform=admin_form)

    def _report_response(
        self,
        request: HttpRequest,
        pending: PendingImport,
        report: ImportReport,
        *,
        can_confirm: bool,
    ) -> TemplateResponse:
        return self._response(
            request,
            "import_report",
            pending=pending,
            report=report,
            unlisted_problems=report.problem_count - len(report.problems),
            can_confirm=can_confirm,
        )

    def _response(self, request: HttpRequest, name: str, **context: object) -> TemplateResponse:
        shared = {"title": "Import webchats", "opts": self.opts}
        context = {**self.admin_site.each_context(request), **shared, **context}
        return TemplateResponse(request, f"admin/webchats/webchat/{name}.html", context)


def _run(pending: PendingImport, user: User, *, dry_run: bool) -> ImportReport:
    format_name = detect_format(pending.file_name)
    assert format_name is not None, "ImportForm accepts only names with a supported extension"
    try:
        return run_import(
            ImportSource(BytesIO(pending.content), pending.file_name, format_name),
            organization=pending.organization,
            user=user,
            options=ImportOptions(
                update=pending.update_existing, skip_invalid=pending.skip_invalid, dry_run=dry_run
            ),
        )
    except (StorageUnavailable, ImportsBusy) as error:
        report = ImportReport(status=ImportStatus.INTERRUPTED)
        field = "icon" if isinstance(error, StorageUnavailable) else ""
        report.add(ImportProblem(None, field, error.client_message))
        return report
