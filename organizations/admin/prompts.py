"""The model admin of prompts."""

from typing import Unpack

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from organizations.admin.ai_usage import usage_view
from organizations.admin.badges import badge
from organizations.admin.prompt_versions import PromptVersionsMixin
from organizations.admin.related import without_links
from organizations.admin.site import site
from organizations.admin.times import updated_at
from organizations.ai.providers import resolve_provider
from organizations.auth.roles import Operation, role_allows
from organizations.models import AiProvider, Prompt, User
from organizations.options import FormData, FormFiles, ModelFormOptions
from organizations.tenancy.admin import TenantForm


class PromptForm(TenantForm[Prompt]):
    """The form of a prompt."""

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[Prompt]],
    ) -> None:
        super().__init__(data, files, **options)
        without_links(self.fields.get("provider"), empty_label="Default")


@admin.register(Prompt, site=site)
class PromptAdmin(PromptVersionsMixin):
    """Prompts: instructions for the AI and model settings."""

    form = PromptForm
    change_form_template = "admin/organizations/prompt/change_form.html"
    change_list_template = "admin/organizations/prompt/change_list.html"
    purpose = (
        "A prompt is the instructions for automatic answers: how the AI writes them, and with "
        "which model settings."
    )
    list_display = ("name", "state", "model", "temperature", updated_at)
    list_filter = ("is_active",)
    search_fields = ("name", "instructions")
    fieldsets = (
        ("Prompt", {"fields": ("name", "is_active", "instructions")}),
        ("Model", {"fields": ("provider", "model", "temperature", "max_tokens")}),
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the page with the usage."""
        view = self.admin_site.admin_view(usage_view)
        return [path("usage/", view, name="organizations_prompt_usage"), *super().get_urls()]

    def get_form_context(
        self, request: HttpRequest, row: Prompt | None, *, has_errors: bool
    ) -> dict[str, object]:
        """Return whether answers are made without a model, so that the values have no effect."""
        user = request.user
        assert isinstance(user, User)
        prompt = row or Prompt(organization_id=user.organization_id)
        has_organization = prompt.organization_id is not None
        return {
            "is_built_in": has_organization and resolve_provider(prompt).is_builtin,
            "may_add_provider": role_allows(user.role, Operation.ADD, AiProvider),
        }

    @admin.display(description="state", ordering="is_active")
    def state(self, prompt: Prompt) -> SafeString:
        return badge("Active", "good") if prompt.is_active else badge("Inactive", "quiet")
