"""The organization's page with the icon that its webchats show without one of their own.

The kernel's page knows no icons: this one takes its place.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString

from organizations.admin import OrganizationAdmin
from organizations.models import Organization
from webchats.icon_forms import IconFields, IconFieldsets, thumbnail
from webchats.services import set_default_icon
from webchats.storages import StorageUnavailable

_ICON_FIELDS = ("icon_file", "remove_icon")


class OrganizationForm(IconFields, forms.ModelForm[Organization]):
    """The organization's names and its default icon."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.label_suffix = ""
        self.show_stored(self.instance.default_icon)


class OrganizationWithIconAdmin(IconFieldsets, OrganizationAdmin):
    """The tenant, with its default icon."""

    form = OrganizationForm
    fieldsets = (
        *OrganizationAdmin.fieldsets,
        (
            "Default icon",
            {
                "description": "Webchats without an icon of their own show this one.",
                "fields": _ICON_FIELDS,
            },
        ),
    )

    class Media:
        css = {"all": ("webchats/admin/icon_field.css",)}

    @admin.display(description="icon")
    def icon_image(self, organization: Organization) -> SafeString | None:
        return thumbnail(organization.default_icon)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """Save what was changed; a storage that is down costs only the icon."""
        if not change or set(form.changed_data) - set(_ICON_FIELDS):
            super().save_model(request, obj, form, change)
        image = form.cleaned_data["icon_file"]
        if not image and not form.cleaned_data["remove_icon"]:
            return
        try:
            set_default_icon(organization=obj, image=image)
        except StorageUnavailable:
            said = "The icon could not be stored right now; everything else was saved."
            self.message_user(request, said, messages.WARNING)
