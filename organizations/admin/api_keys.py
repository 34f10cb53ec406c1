"""The model admin of API keys."""

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_stubs_ext import FieldsetSpec

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.models import ApiKey, User
from organizations.tenancy.admin import TenantAdmin, TenantForm


class ApiKeyForm(TenantForm[ApiKey]):
    """The form of a new API key."""


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(TenantAdmin[ApiKey]):
    """API keys can be created and deleted, but not changed."""

    form = ApiKeyForm
    # The browser's date and time picker instead of Django's two text fields.
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

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> FieldsetSpec:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        return [*fieldsets, ("Use", {"fields": self.readonly_fields})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may create a key. A superuser has no organization for it."""
        return not request.user.is_superuser and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Return ``False``: a key cannot be changed."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: object, change: bool) -> None:
        """Save a new key with a secret. Its requests are made as the current user."""
        assert isinstance(request.user, User)
        obj.user = request.user
        obj.generate_secret()
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret in the response to the form.

        A redirect would have to keep the secret in the session or, as a message, in a cookie.
        """
        context = {
            **self.admin_site.each_context(request),
            "title": "Your new API key",
            "opts": self.opts,
            "api_key": obj,
            "secret": obj.secret,
        }
        return TemplateResponse(request, "admin/organizations/apikey/secret.html", context)

    @admin.display(description="starts with", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> SafeString:
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description="state")
    def state(self, key: ApiKey) -> SafeString:
        return badge("Expired", "bad") if key.is_expired() else badge("Active", "good")
