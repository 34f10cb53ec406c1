"""Imports in the admin site: upload a file, review the report, confirm."""

from io import BytesIO
from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.templatetags.admin_urls import admin_urlname
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from organizations.admin.redirects import post_or_redirect
from organizations.models import Prompt, User
from organizations.tenancy.admin import TenantAdmin
from organizations.tenancy.models import TenantModel
from webchat_project.api.exceptions import DependencyUnavailable
from webchats.admin.import_form import ImportForm
from webchats.admin.import_problems import group_problems, is_about_columns
from webchats.icons.storage import StorageUnavailable
from webchats.imports.concurrency import ImportsBusy
from webchats.imports.exporter import sample_response
from webchats.imports.formats import FORMATS, detect_format
from webchats.imports.importer import ImportRun, WebchatImport, run_import
from webchats.imports.matching import id_exists
from webchats.imports.options import ImportOptions, ImportSource
from webchats.imports.report import ImportReport
from webchats.imports.rows import ImportProblem
from webchats.models import Webchat
from webchats.models.imports import ImportStatus, PendingImport

_Row = TypeVar("_Row", bound=TenantModel)


class ImportMixin(TenantAdmin[_Row]):
    """The two pages of an import, for a model admin to inherit."""

    #: Imports the rows of the model.
    run_class: ClassVar[type[ImportRun[Any, Any]]]
    #: The column besides ``_id`` by which stored rows are found.
    name_column: ClassVar[str] = "name"
    change_list_template = "admin/imports/change_list.html"

    def get_sample(self, user: User, format_name: str) -> HttpResponseBase:
        """Return a sample file."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of the pages, and of the sample files."""
        upload = self.admin_site.admin_view(self.import_view)
        confirm = self.admin_site.admin_view(
            post_or_redirect(self.confirm_import_view, self._url_name("import"))
        )
        sample = self.admin_site.admin_view(self.import_sample_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_import"
        return [
            path("import/", upload, name=name),
            path("import/confirm/", confirm, name=f"{name}_confirm"),
            path("import/sample.<slug:format_name>", sample, name=f"{name}_sample"),
            *super().get_urls(),
        ]

    def _url_name(self, page: str) -> str:
        return admin_urlname(self.opts, SafeString(page))

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Return the upload form, or the report of a dry run of the uploaded file."""
        user = self._importing_user(request)
        PendingImport.objects.expired().delete()
        if request.method != "POST":
            return self._form_response(request, self._form(user))
        if "pending" in request.POST:
            return self._check_again(request, user)
        form = self._form(user, request.POST, request.FILES)
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
            resource=self.run_class.resource,
        )
        return self._check(request, pending, user)

    def _check_again(self, request: HttpRequest, user: User) -> HttpResponse:
        """Return the report of another dry run of the stored file, as updates if requested."""
        as_updates = "as_updates" in request.POST
        if as_updates and not self.has_change_permission(request):
            raise PermissionDenied
        pending = self._take(user, request.POST["pending"])
        if pending is None:
            return self._expired_response(request)
        pending.update_existing = pending.update_existing or as_updates
        return self._check(request, pending, user)

    def _check(self, request: HttpRequest, pending: PendingImport, user: User) -> HttpResponse:
        """Return the report of a dry run.

        The file is stored if the user can continue with it. It replaces the user's earlier file.
        """
        try:
            report = self._run(pending, user, dry_run=True)
        except ImportsBusy as error:
            report = _failed(error)
        can_retry = report.status == ImportStatus.INTERRUPTED
        can_confirm = report.is_good and bool(report.created or report.updated)
        # As of an exported file.
        reason = id_exists(self.model)
        has_existing_ids = any(problem.reason == reason for problem in report.problems)
        can_update = has_existing_ids and self.has_change_permission(request)
        if can_confirm or can_update or can_retry:
            pending.save()
        can = {"can_confirm": can_confirm, "can_update": can_update, "can_retry": can_retry}
        return self._report_response(request, pending, report, **can)

    def import_sample_view(self, request: HttpRequest, format_name: str) -> HttpResponseBase:
        """Return a sample file."""
        user = self._importing_user(request)
        if format_name not in FORMATS:
            raise Http404
        return self.get_sample(user, format_name)

    def confirm_import_view(self, request: HttpRequest) -> HttpResponse:
        """Import the stored file with the options that it was checked with."""
        user = self._importing_user(request)
        pending = self._take(user, request.POST.get("pending", ""))
        if pending is None:
            return self._expired_response(request)
        if pending.update_existing and not self.has_change_permission(request):
            raise PermissionDenied
        try:
            report = self._run(pending, user, dry_run=False)
        except ImportsBusy as error:
            pending.save()
            return self._report_response(request, pending, _failed(error), can_confirm=True)
        if not report.is_good:
            # Rows that the file refers to have changed since the dry run.
            return self._report_response(request, pending, report)
        self.message_user(request, report.summary, messages.SUCCESS)
        return redirect(self._url_name("changelist"))

    def _expired_response(self, request: HttpRequest) -> HttpResponse:
        message = "The upload has expired. Nothing was imported. Upload the file again."
        self.message_user(request, message, messages.WARNING)
        return redirect(self._url_name("import"))

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
        **can: bool,
    ) -> TemplateResponse:
        problems = report.problems
        if can.get("can_update"):
            # The page offers to update these rows instead.
            reason = id_exists(self.model)
            problems = [problem for problem in problems if problem.reason != reason]
        return self._response(
            request,
            "import_report",
            pending=pending,
            report=report,
            problems=group_problems(problems),
            suggests_sample=any(map(is_about_columns, problems)),
            unlisted_problems=report.problem_count - len(report.problems),
            **can,
        )

    def _response(self, request: HttpRequest, name: str, **context: object) -> TemplateResponse:
        shared = {"title": f"Import {self.opts.verbose_name_plural}", "opts": self.opts}
        context = {**self.admin_site.each_context(request), **shared, **context}
        return TemplateResponse(request, f"admin/imports/{name}.html", context)

    def _form(self, user: User, *submitted: Any) -> ImportForm:
        return ImportForm(user, *submitted, model=self.model, name_column=self.name_column)

    def _take(self, user: User, pk: str) -> PendingImport | None:
        return PendingImport.take(user, pk, self.run_class.resource)

    def _run(self, pending: PendingImport, user: User, *, dry_run: bool) -> ImportReport:
        format_name = detect_format(pending.file_name)
        assert format_name is not None, "ImportForm accepts only names with a supported extension"
        try:
            return run_import(
                ImportSource(BytesIO(pending.content), pending.file_name, format_name),
                organization=pending.organization,
                user=user,
                options=ImportOptions(
                    update=pending.update_existing,
                    skip_invalid=pending.skip_invalid,
                    dry_run=dry_run,
                    allow_new_ids=user.is_superuser,
                ),
                run_class=self.run_class,
            )
        except StorageUnavailable as error:
            return _failed(error, "icon")


def _failed(error: DependencyUnavailable, field: str = "") -> ImportReport:
    """Return the report of an import that has written nothing."""
    report = ImportReport(status=ImportStatus.INTERRUPTED)
    report.add(ImportProblem(None, field, error.client_message))
    return report


class WebchatImportMixin(ImportMixin[Webchat]):
    """The import of webchats."""

    run_class = WebchatImport

    def get_sample(self, user: User, format_name: str) -> HttpResponseBase:
        """Return a sample file, with a prompt of the user's organization."""
        prompts = Prompt.objects.filter(organization=user.organization, is_active=True)
        prompt = prompts.order_by("name", "pk").first()
        return sample_response(prompt.name if prompt else "Name of a prompt", format_name)
