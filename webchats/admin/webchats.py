"""The staff's pages of webchats: the list, and the form with its live preview."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import smart_split, unescape_string_literal
from django.views.decorators.http import require_POST

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.admin.usage import register_usage
from organizations.models import Pipeline, Prompt, User
from webchats.admin import preview
from webchats.admin.actions import disable, duplicate, enable
from webchats.admin.forms import WebchatForm
from webchats.admin.imports import TransferAdmin
from webchats.icons.forms import ICON_NOT_STORED, IconFieldsMixin
from webchats.icons.storage import StorageUnavailable, signed_url, store_image
from webchats.models import Webchat
from webchats.search import FIELDS

_SWATCHES = ("primary_color", "secondary_color", "background_color")


@admin.register(Webchat, site=site)
class WebchatAdmin(IconFieldsMixin[Webchat], TransferAdmin):
    """Webchats, with what the visitor will see beside the form."""

    form = WebchatForm
    change_form_template = "admin/webchats/webchat/change_form.html"
    list_display: Any = (
        "name",
        "icon_image",
        "swatches",
        "state",
        "autopilot",
        "domains",
        "prompt",
        "pipeline",
        "updated",
    )
    list_select_related = ("prompt", "pipeline")
    list_filter = (
        "is_enabled",
        "is_autopilot",
        ("prompt", admin.RelatedOnlyFieldListFilter),
        ("pipeline", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = FIELDS
    search_help_text = "Search name and description"
    actions = (enable, disable, duplicate, *TransferAdmin.actions)
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
        ("Texts", {"fields": ("starter_message", "status_text", "csat_thank_you_message")}),
        ("Where it runs", {"fields": ("is_enabled", "allowed_domains")}),
        ("Who answers", {"fields": ("prompt", "is_autopilot")}),
        ("Contacts", {"fields": ("pipeline", "pipeline_stage", "initial_stage")}),
        ("Placement", {"fields": ("position", ("offset_x", "offset_y"), "z_index")}),
    )

    class Media:
        js = ("webchats/admin/webchat_form.js",)
        css = {"all": ("webchats/admin/icon_field.css", "webchats/admin/webchat_form.css")}

    # --- The list ---

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """The rows with each of the words, or with a text in quotes, as Django's own: but asked
        as the API asks."""
        for word in smart_split(search_term):
            quoted = len(word) > 1 and word[0] in "\"'" and word[0] == word[-1]
            queryset = queryset.containing(unescape_string_literal(word) if quoted else word)
        return queryset, False

    # --- The form ---

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """Required values that most people keep, so that the preview has something to show."""
        return {
            "background_color": "#FFFFFF",
            "primary_color": "#1F2937",
            "secondary_color": "#3B82F6",
            "initial_stage": "new",
            **super().get_changeform_initial_data(request),
        }

    def save_model(self, request: HttpRequest, obj: Webchat, form: Any, change: bool) -> None:
        """Save; a new webchat belongs to whoever makes it."""
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

    def render_change_form(
        self, request: HttpRequest, context: Any, *arguments: Any, **options: Any
    ) -> Any:
        """The page, told where its preview comes from and what the webchat's snippet is."""
        row: Webchat | None = options.get("obj")
        name = "admin:webchats_webchat_preview"
        context["preview_url"] = reverse(
            f"{name}_{'change' if row else 'add'}", args=[row.pk] if row else []
        )
        if row is not None:
            context["picture"] = preview.picture(request, row)
            context["snippet"] = preview.snippet(request, row)
            context["last_change"] = row.history.select_related("history_user").first()
        return super().render_change_form(request, context, *arguments, **options)

    # --- The live preview ---

    def get_urls(self) -> Any:
        """Django's pages and the preview of a new and of a stored webchat."""
        view = self.admin_site.admin_view(require_POST(self.preview_view))
        return [
            path("add/preview/", view, name="webchats_webchat_preview_add"),
            path("<path:object_id>/preview/", view, name="webchats_webchat_preview_change"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, object_id: str | None = None) -> JsonResponse:
        """What saving the posted form would show; nothing is saved."""
        row = None if object_id is None else self.get_object(request, object_id)
        if object_id is not None and row is None:
            raise Http404
        allowed = (
            self.has_change_permission(request, row) if row else self.has_add_permission(request)
        )
        if not allowed:
            raise PermissionDenied
        form_class = self.get_form(request, row, change=row is not None)
        form = form_class(request.POST, request.FILES, instance=row)
        return JsonResponse(preview.of_form(request, form))

    # --- The list ---

    @admin.display(description="icon")
    def icon_image(self, webchat: Webchat) -> SafeString | None:
        if not webchat.icon:
            return None
        html = '<img class="list-icon" src="{}" width="28" height="28" alt="">'
        return format_html(html, signed_url(webchat.icon))

    @admin.display(description="colors")
    def swatches(self, webchat: Webchat) -> SafeString:
        # A colour as an attribute of a drawing: the policy of these pages allows no inline style.
        return format_html(
            '<svg class="swatches" viewBox="0 0 60 20" role="img" aria-label="{}">{}</svg>',
            ", ".join(getattr(webchat, name) for name in _SWATCHES),
            format_html_join(
                "",
                '<circle cx="{}" cy="10" r="8.5" fill="{}"/>',
                ((10 + 18 * i, getattr(webchat, name)) for i, name in enumerate(_SWATCHES)),
            ),
        )

    @admin.display(description="state", ordering="is_enabled")
    def state(self, webchat: Webchat) -> SafeString:
        return badge("On", "good") if webchat.is_enabled else badge("Off", "quiet")

    @admin.display(description="autopilot", ordering="is_autopilot")
    def autopilot(self, webchat: Webchat) -> SafeString | None:
        return badge("Autopilot", "accent") if webchat.is_autopilot else None

    @admin.display(description="domains")
    def domains(self, webchat: Webchat) -> SafeString | str:
        entries = webchat.allowed_domains
        if not entries:
            return badge("Every site", "warn")
        if len(entries) == 1:
            return str(entries[0])
        return format_html('{} <span class="more">+ {}</span>', entries[0], len(entries) - 1)

    @admin.display(description="updated", ordering="updated_at")
    def updated(self, webchat: Webchat) -> SafeString:
        at = webchat.updated_at
        return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%d %b %Y, %H:%M}")


for _model in (Prompt, Pipeline):
    register_usage(_model, related_name="webchats", label="webchats")
