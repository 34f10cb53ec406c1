"""The staff's pages of the kernel: the organization, its people, keys, prompts and pipelines."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.colors import ColorField
from organizations.form_widgets import ColorInput
from organizations.models import ApiKey, Organization, Pipeline, Prompt, Stage, User
from organizations.staff_site import site
from organizations.stage_forms import StageForm, StageFormSet
from organizations.tenancy.admin import TenantAdmin, TenantForm


def badge(text: str, kind: str) -> SafeString:
    """A word in a coloured pill: ``good``, ``bad``, ``warn`` or ``quiet``."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


@admin.register(Organization, site=site)
class OrganizationAdmin(TenantAdmin[Organization]):
    """The tenant: its administrators name it, only superusers make or delete one."""

    list_display = ("name", "assistant_name", "created_at")
    search_fields = ("name", "assistant_name")
    fieldsets: ClassVar[Any] = ((None, {"fields": ("name", "assistant_name")}),)


class MemberForm(TenantForm[User]):
    """A person; which of the fields are offered to whom, the admin says."""

    organization = forms.ModelChoiceField(
        Organization.objects.all(),
        required=False,
        help_text="A member has one, and keeps it; a superuser has none.",
    )


class NewMemberForm(MemberForm, BaseUserCreationForm[User]):
    """A person with a first password."""


@admin.register(User, site=site)
class MemberAdmin(TenantAdmin[User], UserAdmin[User]):
    """People and their roles. An administrator manages those of the own organization; only a
    superuser makes superusers, and nobody changes the own role or locks themselves out."""

    form = MemberForm
    add_form = NewMemberForm
    add_form_template = "admin/change_form.html"
    list_display: Any = ("email", "full_name", "role_badge", "state", "last_login")
    list_filter: ClassVar[Any] = ("access_role", "is_active")
    search_fields: ClassVar[Any] = ("email", "full_name")
    ordering: ClassVar[Any] = ("email",)
    filter_horizontal: ClassVar[Any] = ()
    fieldsets: ClassVar[Any] = (
        ("Person", {"fields": ("email", "full_name")}),
        ("Access", {"fields": ("access_role", "is_active", "last_login")}),
    )
    add_fieldsets: Any = (
        ("Person", {"fields": ("email", "full_name")}),
        ("Access", {"fields": ("access_role", "password1", "password2")}),
    )
    readonly_fields: ClassVar[Any] = ("last_login",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            fieldsets = [*fieldsets, ("Superuser", {"fields": ("is_superuser",)})]
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fixed = super().get_readonly_fields(request, obj)
        if obj is not None and obj.pk == request.user.pk:
            return (*fixed, "access_role", "is_active", "is_superuser")
        return fixed

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """As the roles say, but not oneself."""
        oneself = obj is not None and obj.pk == request.user.pk
        return not oneself and super().has_delete_permission(request, obj)

    @admin.display(description="role", ordering="access_role")
    def role_badge(self, user: User) -> SafeString:
        return badge(user.role.label, "warn" if user.is_superuser else "quiet")

    @admin.display(description="state", ordering="is_active")
    def state(self, user: User) -> SafeString:
        return badge("Active", "good") if user.is_active else badge("Deactivated", "bad")


class ApiKeyForm(TenantForm[ApiKey]):
    """A new key."""


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(TenantAdmin[ApiKey]):
    """Keys of machines: made here, shown once, deleted to revoke them, never changed."""

    form = ApiKeyForm
    # The browser's own picker instead of two text boxes.
    formfield_overrides = {
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput(attrs={"type": "datetime-local"}),
        }
    }
    list_display = ("name", "shown_prefix", "user", "state", "expires_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix")
    fieldsets = ((None, {"fields": ("name", "expires_at")}),)
    readonly_fields = ("shown_prefix", "user", "created_at", "last_used_at")

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        return [*fieldsets, ("Use", {"fields": self.readonly_fields})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As the roles say; a superuser, having no organization, has nothing a key could open."""
        return not request.user.is_superuser and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Never."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Save a new key, which acts as the one who makes it."""
        assert isinstance(request.user, User)
        obj.user = request.user
        # Kept on the request alone: a message would write the secret into a cookie.
        request.new_secret = obj.set_new_secret()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the secret: this once, and kept by no cache."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Your new API key",
            "opts": self.opts,
            "api_key": obj,
            "secret": request.new_secret,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/organizations/apikey/secret.html", context)

    @admin.display(description="begins with", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> SafeString:
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description="state")
    def state(self, key: ApiKey) -> SafeString:
        return badge("Expired", "bad") if key.is_expired() else badge("Live", "good")


class _UsedByWebchats(TenantAdmin[Any]):
    """Counts the webchats that point to each row."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        queryset = super().get_queryset(request)
        # Only for the list: a counted row cannot be locked.
        match = request.resolver_match
        if match is not None and str(match.url_name).endswith("_changelist"):
            queryset = queryset.annotate(webchat_count=models.Count("webchats", distinct=True))
        return queryset

    @admin.display(description="webchats", ordering="webchat_count")
    def used_by(self, row: Any) -> int:
        count: int = row.webchat_count
        return count


@admin.register(Prompt, site=site)
class PromptAdmin(_UsedByWebchats):
    """What the AI is told before it answers."""

    form = TenantForm
    list_display = ("name", "state", "model", "temperature", "used_by", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("name", "instructions")
    fieldsets = (
        ("Prompt", {"fields": ("name", "is_active", "instructions")}),
        ("Model", {"fields": ("model", "temperature", "max_tokens")}),
    )

    @admin.display(description="state", ordering="is_active")
    def state(self, prompt: Prompt) -> SafeString:
        return badge("Active", "good") if prompt.is_active else badge("Inactive", "quiet")


class StageInline(admin.TabularInline[Stage, Pipeline]):
    """The stages of the pipeline on its own page, in their order."""

    model = Stage
    form = StageForm
    formset: Any = StageFormSet
    formfield_overrides = {ColorField: {"widget": ColorInput}}
    fields = ("order", "name", "slug", "color", "is_active")
    extra = 0
    template = "admin/organizations/pipeline/stages.html"

    class Media:
        js = ("organizations/stage_order.js",)


@admin.register(Pipeline, site=site)
class PipelineAdmin(_UsedByWebchats):
    """The way of a contact, in ordered stages."""

    form = TenantForm
    inlines = (StageInline,)
    list_display = ("name", "default_badge", "stage_names", "used_by", "updated_at")
    list_filter = ("is_default",)
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("name", "is_default")}),)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("stages")

    @admin.display(description="default", ordering="is_default")
    def default_badge(self, pipeline: Pipeline) -> SafeString | None:
        return badge("Default", "good") if pipeline.is_default else None

    @admin.display(description="stages")
    def stage_names(self, pipeline: Pipeline) -> str:
        return " → ".join(stage.name for stage in pipeline.stages.all())
