"""The model admin of API keys."""

from typing import Unpack

from django import forms
from django.contrib import admin, messages
from django.core.signing import BadSignature, Signer
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_stubs_ext import FieldsetSpec

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.models import ApiKey, User
from organizations.options import FormData, FormFiles, ModelFormOptions
from organizations.tenancy.admin import TenantAdmin, TenantForm
from webchat_project.api.object_ids import new_object_id


def _signer(user: User) -> Signer:
    return Signer(salt=f"organizations.api_keys.{user.pk}")


def _get_signed_id(user: User, text: str) -> str | None:
    """Return the id that ``text`` contains, ``None`` if it is not signed for the user."""
    try:
        return _signer(user).unsign(text)
    except BadSignature:
        return None


class ApiKeyForm(TenantForm[ApiKey]):
    """The form of a new API key.

    ``idempotency_key`` is the signed id of the key that the form creates, so that a form that is
    submitted twice does not create two keys.
    """

    idempotency_key = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[ApiKey]],
    ) -> None:
        super().__init__(data, files, **options)
        self.initial["idempotency_key"] = _signer(self.user).sign(new_object_id())


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
    purpose = (
        "An API key lets a program use the API in your name. You see its secret once, directly "
        "after you add it."
    )
    list_display = ("name", "shown_prefix", "user", "state", "expires_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix")
    fieldsets = ((None, {"fields": ("name", "expires_at")}),)
    readonly_fields = ("shown_prefix", "user", "created_at", "last_used_at")

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> FieldsetSpec:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return [*fieldsets, (None, {"fields": ("idempotency_key",), "classes": ("hidden",)})]
        return [*fieldsets, ("Use", {"fields": self.readonly_fields})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may create a key. A superuser has no organization for it."""
        return not request.user.is_superuser and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Return ``False``: a key cannot be changed."""
        return False

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show or process the form. A form that is submitted again does not create a second key."""
        if request.method != "POST":
            return super().add_view(request, form_url, extra_context)
        assert isinstance(request.user, User)
        with transaction.atomic():
            # Two submissions at the same time wait here for each other.
            User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
            pk = _get_signed_id(request.user, request.POST.get("idempotency_key", ""))
            if key := self.get_queryset(request).filter(pk=pk).first():
                self.message_user(
                    request,
                    f"The API key “{key.name}” was already created. Its secret was shown once. If "
                    "you have not saved it, delete the key and create a new one.",
                    messages.WARNING,
                )
                return redirect("admin:organizations_apikey_changelist")
            return super().add_view(request, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ApiKeyForm, change: bool) -> None:
        """Save a new key with a secret. Its requests are made as the current user."""
        assert isinstance(request.user, User)
        obj.pk = _get_signed_id(request.user, form.cleaned_data["idempotency_key"]) or obj.pk
        obj.user = request.user
        obj.generate_secret()
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret in the response to the form.

        A redirect would have to keep the secret in the session or, as a message, in a cookie. The
        page sets its address to that of the key, so that a reload shows the key instead of
        submitting the form again.
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
