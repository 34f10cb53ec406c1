"""The model admin of AI providers, with “Test connection”."""

from typing import Unpack

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django_stubs_ext import FieldsetSpec

from organizations.admin.badges import badge
from organizations.admin.related import without_links
from organizations.admin.site import site
from organizations.admin.times import updated_at
from organizations.admin.usage import UsageAdmin, register_usage
from organizations.ai.connection_tests import get_test_state, request_test
from organizations.models import AiProvider
from organizations.models.ai_provider import API_KEY_LENGTH
from organizations.options import FormData, FormFiles, ModelFormOptions
from organizations.tenancy.admin import TenantForm


class AiProviderForm(TenantForm[AiProvider]):
    """The form of a provider. The stored API key is kept if none is entered."""

    api_key = forms.CharField(
        required=False,
        max_length=API_KEY_LENGTH,
        label="API key",
        # Browsers would fill in the user's password.
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    remove_api_key = forms.BooleanField(required=False, label="Remove the stored API key")

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[AiProvider]],
    ) -> None:
        super().__init__(data, files, **options)
        without_links(self.fields.get("fallback"), empty_label="None")
        field = self.fields.get("api_key")
        if field is None:
            return  # Without the permission to change it.
        # It would replace the model's error about a missing key.
        del field.error_messages["required"]
        if self.instance.encrypted_api_key:
            field.help_text = (
                f"Stored, ending in {self.instance.key_hint or '…'}. Leave it empty to keep it. "
                "Another kind or base URL requires it again."
            )
        else:
            field.help_text = "Encrypted when it is stored, and never shown again."

    def clean(self) -> dict[str, object] | None:
        """Set the API key, before the model is validated."""
        values = super().clean()
        key = self.cleaned_data.get("api_key", "")
        if not self.instance.organization_id:
            return values
        if key or self.cleaned_data.get("remove_api_key"):
            try:
                self.instance.api_key = key
            except forms.ValidationError as error:
                self.add_error("api_key", error)
        return values


@admin.register(AiProvider, site=site)
class AiProviderAdmin(UsageAdmin[AiProvider]):
    """AI providers, with their API keys. Only administrators change them."""

    form = AiProviderForm
    change_form_template = "admin/organizations/aiprovider/change_form.html"
    purpose = (
        "An AI provider is a language model that answers your visitors: from OpenAI, Anthropic "
        "or your own compatible server. Without one, answers come from your knowledge entries."
    )
    list_display = ("name", "kind", "default_model", "state", updated_at)
    list_filter = ("kind",)
    search_fields = ("name", "default_model")

    fieldsets = (
        (
            "Provider",
            {
                "fields": (
                    "name",
                    "kind",
                    "base_url",
                    "api_key",
                    "remove_api_key",
                    "shown_key_hint",
                    "is_default",
                )
            },
        ),
        ("Model", {"fields": ("default_model", "fallback")}),
        (
            "Limits",
            {
                "fields": (
                    "first_token_seconds",
                    "total_seconds",
                    "max_parallel",
                    "monthly_token_budget",
                )
            },
        ),
        ("Prices", {"fields": ("input_price", "output_price")}),
    )
    readonly_fields = ("shown_key_hint",)

    def get_fieldsets(self, request: HttpRequest, obj: AiProvider | None = None) -> FieldsetSpec:
        """Return the fields. Users without the permission to change it see the API key's end."""
        if not self.has_change_permission(request, obj):
            hidden = {"api_key", "remove_api_key"}
        elif obj is not None and obj.encrypted_api_key:
            hidden = {"shown_key_hint"}
        else:
            hidden = {"shown_key_hint", "remove_api_key"}
        return [
            (name, {**options, "fields": [key for key in options["fields"] if key not in hidden]})
            for name, options in super().get_fieldsets(request, obj)
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.connection_view)
        name = "organizations_aiprovider_connection"
        return [path("<path:object_id>/connection/", view, name=name), *super().get_urls()]

    def connection_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the result of the last test. A POST requests another one."""
        provider = self.get_object(request, object_id)
        if provider is None:
            raise Http404
        if not self.has_change_permission(request, provider):
            raise PermissionDenied
        if request.method == "POST":
            request_test(provider)
            if "HX-Request" not in request.headers:
                return redirect("admin:organizations_aiprovider_change", provider.pk)
        return TemplateResponse(
            request,
            "admin/organizations/aiprovider/connection.html",
            {"original": provider, "test_state": get_test_state(provider), "may_test": True},
        )

    def get_form_context(
        self, request: HttpRequest, row: AiProvider | None, *, has_errors: bool
    ) -> dict[str, object]:
        """Return the state of the connection."""
        if row is None:
            return {}
        may_test = self.has_change_permission(request, row)
        return {"test_state": get_test_state(row), "may_test": may_test}

    @admin.display(description="API key")
    def shown_key_hint(self, provider: AiProvider) -> str:
        if not provider.encrypted_api_key:
            return "none"
        return f"…{provider.key_hint}"

    @admin.display(description="state")
    def state(self, provider: AiProvider) -> SafeString:
        if provider.has_failed:
            return badge("Failed", "bad")
        if provider.lacks_api_key:
            return badge("No API key", "warn")
        return badge("Works", "good") if provider.last_ok_at else badge("Not used yet", "quiet")


register_usage(AiProvider, "prompts", "prompts")
