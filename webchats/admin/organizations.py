"""The admin pages of organizations: their names, and the default icon of their webchats."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString

from organizations.admin.site import site
from organizations.models import Organization
from organizations.tenancy.admin import TenantAdmin
from organizations.tenancy.conflicts import VersionedForm
from organizations.time_zones import DEFAULT_TIME_ZONE, time_zone_names
from webchats.icons.forms import ICON_NOT_STORED, IconAdminMixin, IconForm, thumbnail
from webchats.icons.storage import StorageUnavailable
from webchats.services import set_default_icon

_ICON_FIELDS = ("icon_file", "remove_icon")


class OrganizationForm(IconForm[Organization], VersionedForm[Organization]):
    """The organization's names and its default icon."""

    icon_key_field = "default_icon"
    inputs = {"default_icon": _ICON_FIELDS}

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in time_zone_names()],
        initial=DEFAULT_TIME_ZONE,
        help_text=Organization._meta.get_field("time_zone").help_text,
    )


@admin.register(Organization, site=site)
class OrganizationAdmin(IconAdminMixin[Organization], TenantAdmin[Organization]):
    """Organizations. Their administrators edit them; only superusers add or delete one."""

    form = OrganizationForm
    purpose = "An organization is a customer or a department with its own users and data."
    list_display = ("name", "assistant_name", "created_at")
    search_fields = ("name", "assistant_name")
    fieldsets = (
        (None, {"fields": ("name", "assistant_name")}),
        ("Conversations", {"fields": ("mask_card_numbers", "inactivity_hours", "time_zone")}),
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

    def save_model(
        self, request: HttpRequest, obj: Organization, form: OrganizationForm, change: bool
    ) -> None:
        """Save the names, then the icon. Show a warning if the icon storage is unavailable."""
        # If only the icon changes, ``set_default_icon`` alone saves it: one history record.
        if not change or set(form.changed_data) - set(_ICON_FIELDS):
            super().save_model(request, obj, form, change)
        image = form.cleaned_data["icon_file"]
        if not image and not form.cleaned_data["remove_icon"]:
            return
        try:
            set_default_icon(organization=obj, image=image)
        except StorageUnavailable:
            self.message_user(request, ICON_NOT_STORED, messages.WARNING)
