"""Admin pages of API keys."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.models import ApiKey, User
from organizations.tenancy.admin import TenantAdmin, TenantForm


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
        obj.generate_secret()
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
            "secret": obj.secret,
        }
        return TemplateResponse(request, "admin/organizations/apikey/secret.html", context)

    @admin.display(description="begins with", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> SafeString:
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description="state")
    def state(self, key: ApiKey) -> SafeString:
        return badge("Expired", "bad") if key.is_expired() else badge("Live", "good")
