"""The admin pages of webchats: the list, and the form with its live preview."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from organizations.admin.site import site
from organizations.admin.usage import register_usage
from organizations.models import Pipeline, Prompt, User
from organizations.tenancy.change_lists import NamesFilter
from webchats.admin.actions import EXPORTS, disable, duplicate, enable
from webchats.admin.columns import ColumnsMixin
from webchats.admin.forms import WebchatForm
from webchats.admin.imports import WebchatImportMixin
from webchats.admin.list_filters import (
    EnabledFilter,
    LastLoadFilter,
    PipelineFilter,
    WarningFilter,
)
from webchats.admin.preview import preview_form, render_webchat, snippet
from webchats.admin.row_menu import RowMenuMixin
from webchats.admin.sessions import SessionsMixin
from webchats.demo import find_sample_site
from webchats.icons.forms import ICON_NOT_STORED, IconAdminMixin
from webchats.icons.storage import StorageUnavailable, store_image
from webchats.models import Webchat
from webchats.search import FIELDS, search_terms, split_terms


@admin.register(Webchat, site=site)
class WebchatAdmin(
    IconAdminMixin[Webchat], RowMenuMixin, SessionsMixin, ColumnsMixin, WebchatImportMixin
):
    """Webchats, with a live preview of the widget beside the form."""

    form = WebchatForm
    change_form_template = "admin/webchats/webchat/change_form.html"
    list_filter = (
        ("is_enabled", EnabledFilter),
        "is_autopilot",
        ("prompt", NamesFilter),
        ("pipeline", PipelineFilter),
        LastLoadFilter,
        WarningFilter,
    )
    deletion_note = (
        "The widget disappears from its sites. Its open conversations are closed, and their "
        "visitors can no longer write. Conversations and contacts stay. To only remove the widget "
        "from its sites, disable it instead."
    )
    purpose = (
        "A webchat is a chat widget for your website: its look, its texts, the sites that may show "
        "it, and its answers."
    )
    search_fields = FIELDS
    search_help_text = "Search name and description"
    actions = (enable, disable, duplicate, *EXPORTS)
    fieldsets = (
        ("Identity", {"fields": ("name", "description", "icon_file", "remove_icon")}),
        (
            "Appearance",
            {
                "classes": ("colors",),
                "fields": (
                    ("primary_color", "header_text_color"),
                    ("secondary_color", "timestamp_color"),
                    ("background_color", "status_text_color"),
                    ("csat_background_color", "csat_text_color"),
                ),
            },
        ),
        (
            "Texts",
            {
                "fields": (
                    "starter_message",
                    "status_text",
                    "is_survey_enabled",
                    "csat_thank_you_message",
                )
            },
        ),
        ("Availability", {"fields": ("is_enabled", "allowed_domains")}),
        ("Replies", {"fields": ("prompt", "is_autopilot", "is_auto_assigned")}),
        ("Contacts", {"fields": ("pipeline", "pipeline_stage", "initial_stage")}),
        ("Placement", {"fields": ("position", ("offset_x", "offset_y"), "z_index")}),
    )

    class Media:
        js = ("webchats/admin/webchat_form.js", "organizations/stage_choices.js")
        css = {"all": ("webchats/admin/icon_field.css", "webchats/admin/webchat_form.css")}

    # --- The list ---

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Webchat], search_term: str
    ) -> tuple[QuerySet[Webchat], bool]:
        """Return the webchats that contain every word or quoted phrase, and ``False``: no
        duplicates.

        The condition is that of the API, which has an index.
        """
        texts = split_terms(search_term)
        return search_terms(queryset, texts, FIELDS, newest="-created_at"), False

    # --- The form ---

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """Return initial values of required fields, so that the preview can render a new form."""
        prompts = Prompt.objects.for_user(request.user).filter(is_active=True).order_by()
        ids = list(prompts.values_list("pk", flat=True)[:2])
        return {
            # The only one there is.
            **({"prompt": ids[0]} if len(ids) == 1 else {}),
            "background_color": "#FFFFFF",
            "primary_color": "#1F2937",
            "secondary_color": "#3B82F6",
            "initial_stage": "new",
            **super().get_changeform_initial_data(request),
        }

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show or process the form of a new webchat. Warn if there is no prompt to choose."""
        prompts = Prompt.objects.for_user(request.user).filter(is_active=True)
        is_shown = request.method == "GET" and self.has_add_permission(request)
        if is_shown and not prompts.exists():
            message = 'A webchat needs an active prompt. <a href="{}">Add a prompt</a> first.'
            link = reverse("admin:organizations_prompt_add")
            self.message_user(request, format_html(message, link), messages.WARNING)
        return super().add_view(request, form_url, extra_context)

    def save_model(
        self, request: HttpRequest, obj: Webchat, form: WebchatForm, change: bool
    ) -> None:
        """Save the webchat and its icon. Show a warning if the icon storage is unavailable."""
        assert isinstance(request.user, User)
        if not change:
            obj.user = obj.created_by = request.user
        try:
            if image := form.cleaned_data["icon_file"]:
                obj.icon = store_image(obj.organization_id, image)
            elif form.cleaned_data["remove_icon"]:
                obj.icon = ""
        except StorageUnavailable:
            self.message_user(request, ICON_NOT_STORED, messages.WARNING)
        super().save_model(request, obj, form, change)

    def get_form_context(
        self, request: HttpRequest, row: Webchat | None, *, has_errors: bool
    ) -> dict[str, object]:
        """Return the URL of the preview, and of a stored webchat its rendering and its snippet."""
        if row is None:
            return {"preview_url": reverse("admin:webchats_webchat_preview_add")}
        if has_errors:
            row = self.get_queryset(request).get(pk=row.pk)
        return {
            "original": row,
            "subtitle": str(row),
            "preview_url": reverse("admin:webchats_webchat_preview_change", args=[row.pk]),
            "rendering": render_webchat(request, row),
            "snippet": snippet(request, row),
            "sample_site": find_sample_site([row.pk]),
            "last_change": row.history.select_related("history_user").first(),
        }

    # --- The live preview ---

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of the preview of a new and of a stored webchat."""
        view = self.admin_site.admin_view(require_POST(self.preview_view))
        return [
            path("add/preview/", view, name="webchats_webchat_preview_add"),
            path("<path:object_id>/preview/", view, name="webchats_webchat_preview_change"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, object_id: str | None = None) -> JsonResponse:
        """Return the ``Preview`` of the posted form. Nothing is saved."""
        webchat = None if object_id is None else self.get_object(request, object_id)
        if object_id is not None and webchat is None:
            raise Http404
        is_allowed = (
            self.has_change_permission(request, webchat)
            if webchat
            else self.has_add_permission(request)
        )
        if not is_allowed:
            raise PermissionDenied
        form_class = self.get_form(request, webchat, change=webchat is not None)
        form = form_class(request.POST, request.FILES, instance=webchat)
        assert isinstance(form, WebchatForm)
        return JsonResponse(preview_form(request, form))


for _model in (Prompt, Pipeline):
    register_usage(_model, related_name="webchats", label="webchats")
