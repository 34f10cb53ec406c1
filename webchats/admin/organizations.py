"""The admin pages of organizations: their names, and the default icon of their webchats."""

from typing import Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import capfirst, get_text_list

from organizations.admin.site import site
from organizations.models import Organization
from organizations.retention import describe_due_rows
from organizations.tenancy.admin import TenantAdmin
from organizations.tenancy.conflicts import VersionedForm
from organizations.time_zones import DEFAULT_TIME_ZONE, time_zone_names
from webchats.icons.forms import ICON_NOT_STORED, IconAdminMixin, IconForm, thumbnail
from webchats.icons.storage import StorageUnavailable
from webchats.services import set_default_icon

_ICON_FIELDS = ("icon_file", "remove_icon")
_RETENTION_FIELDS: Final = ("retention_days", "contact_retention_days")


class OrganizationForm(IconForm[Organization], VersionedForm[Organization]):
    """The organization's names, its settings for conversations and its default icon."""

    icon_key_field = "default_icon"
    inputs = {"default_icon": _ICON_FIELDS}

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in time_zone_names()],
        initial=DEFAULT_TIME_ZONE,
        help_text=Organization._meta.get_field("time_zone").help_text,
    )

    #: Shown once the settings would delete something.
    confirm_deletion = forms.BooleanField(
        required=False, label="Delete them", widget=forms.HiddenInput
    )

    def _post_clean(self) -> None:
        """Require a confirmation of settings that would delete rows."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not {*_RETENTION_FIELDS} & {*self.changed_data}:
            return
        due = describe_due_rows(self.instance)
        if due:
            self.fields["confirm_deletion"].widget = forms.CheckboxInput()
            if not self.cleaned_data.get("confirm_deletion"):
                self.add_error("confirm_deletion", _require_confirmation(due))


def _require_confirmation(due: list[str]) -> ValidationError:
    message = (
        f"These settings delete {get_text_list(due, 'and')} within 24 hours. They cannot be "
        "restored. To confirm, turn on “Delete them” and save again."
    )
    return ValidationError(message, "confirmation_required")


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
            "Retention",
            {
                "description": (
                    "A worker permanently deletes old data once a day. Backups contain it until "
                    "they are deleted, too."
                ),
                "fields": (*_RETENTION_FIELDS, "confirm_deletion", "next_deletion"),
            },
        ),
        (
            "Default icon",
            {
                "description": "Shown by webchats that have no icon.",
                "fields": _ICON_FIELDS,
            },
        ),
    )

    readonly_fields = ("next_deletion",)

    class Media:
        css = {"all": ("webchats/admin/icon_field.css",)}

    @admin.display(description="next run")
    def next_deletion(self, organization: Organization) -> str:
        """Return the rows that the saved settings delete next."""
        # Of a submitted form, the row has values that are not saved.
        saved = Organization.objects.filter(pk=organization.pk).first()
        due = describe_due_rows(saved) if saved else []
        return f"{capfirst(get_text_list(due, 'and'))} will be deleted." if due else "Nothing."

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
