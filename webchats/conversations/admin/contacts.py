"""The admin pages of contacts."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_stubs_ext import FieldsetSpec

from organizations.admin.site import site
from organizations.admin.stage_choices import offer_stages
from organizations.admin.times import time_tag
from organizations.models import Pipeline, Stage, User
from organizations.tenancy.admin import TenantForm
from webchats.admin.actions import export_actions
from webchats.admin.imports import ImportMixin
from webchats.conversations.admin.contact_filters import (
    BoundedPaginator,
    ContactChangeList,
    ConversationFilter,
    LastSeenFilter,
    OwnNamesFilter,
)
from webchats.conversations.admin.contact_history import get_history
from webchats.conversations.admin.merges import MergeMixin
from webchats.conversations.api.examples import CONTACT_REQUEST
from webchats.conversations.contact_actions import get_contact_actions
from webchats.conversations.contacts import publish_contact
from webchats.conversations.imports.contacts import EXPORTED, ContactImport, read_rows
from webchats.conversations.models import Contact
from webchats.conversations.moves import save_contact
from webchats.conversations.search import CONTACT_FIELDS
from webchats.imports.exporter import rows_response, sample_file
from webchats.search import search_terms, split_terms

#: The columns of a sample file.
_SAMPLE: Final = ("name", "email", "phone", "status")


class ContactForm(TenantForm[Contact]):
    """What representatives edit of a contact. Without a pipeline, a stage also sets it."""

    inputs = {"pipeline": ("pipeline", "stage")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Read-only pages have no fields.
        if "stage" in self.fields:
            organization_id = self.instance.organization_id
            stages = Stage.objects.for_organization(organization_id).select_related("pipeline")
            offered = stages.active() | stages.filter(pk=self.instance.stage_id)
            self._limit_choices("pipeline", Pipeline.objects.for_organization(organization_id))
            self._limit_choices("stage", offered)
            offer_stages(self, "pipeline", "stage", only_active=True)

    def _limit_choices(self, name: str, rows: QuerySet[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows
        field.empty_label = "None"
        # Only model admins wrap it.
        if isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_add_related = field.widget.can_change_related = False
            field.widget.can_view_related = field.widget.can_delete_related = False

    def clean(self) -> dict[str, Any] | None:
        """Keep the pipeline, or set that of a new stage, if no pipeline was sent."""
        values = super().clean()
        if self.add_prefix("pipeline") not in self.data:
            stage = self.cleaned_data.get("stage")
            if "stage" not in self.changed_data:
                stage = None
            self.cleaned_data["pipeline"] = stage.pipeline if stage else self.instance.pipeline
        return values


def _export(contacts: QuerySet[Contact], format_name: str, user: User) -> StreamingHttpResponse:
    return rows_response(EXPORTED, read_rows(contacts), format_name, name="contacts", user=user)


@admin.register(Contact, site=site)
class ContactAdmin(MergeMixin, ImportMixin[Contact]):
    """Contacts. Visitors make most of them. Who may add one may import and export them."""

    form = ContactForm
    run_class = ContactImport
    name_column = "email"
    actions = export_actions("contacts", _export, permission="add")
    purpose = (
        "A contact is a visitor who has written in one of your widgets, or a person whom you add "
        "or import."
    )
    list_display = ("display_name", "email", "phone", "placement", "last_seen")
    list_select_related = ("stage", "pipeline")
    change_list_template = "admin/conversations/contact/change_list.html"
    paginator = BoundedPaginator
    # Another one than ``result_count``, which would count all rows.
    show_full_result_count = False
    list_filter = (
        ("stage", OwnNamesFilter),
        ("pipeline", OwnNamesFilter),
        ("webchat", OwnNamesFilter),
        LastSeenFilter,
        ConversationFilter,
    )
    search_fields = CONTACT_FIELDS
    search_help_text = "Search name, e-mail address and phone number"
    fieldsets = (
        ("Person", {"fields": ("name", "email", "phone")}),
        ("Stage", {"fields": ("pipeline", "stage", "status")}),
        (
            "Visits",
            {
                "fields": (
                    "webchat",
                    "page_address",
                    "page_title",
                    "referrer",
                    "locale",
                    ("first_seen", "last_seen"),
                )
            },
        ),
    )
    readonly_fields = (
        "webchat",
        "page_address",
        "page_title",
        "referrer",
        "locale",
        "first_seen",
        "last_seen",
    )

    class Media:
        js = ("organizations/stage_choices.js",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Return the contacts that contain every word or quoted phrase, and ``False``: no
        duplicates.
        """
        texts = split_terms(search_term)
        return search_terms(queryset, texts, CONTACT_FIELDS, newest="-last_seen_at"), False

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ContactChangeList]:
        return ContactChangeList

    def get_fieldsets(self, request: HttpRequest, obj: Contact | None = None) -> FieldsetSpec:
        """Return the fieldsets, without the visits for a new contact."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else [entry for entry in fieldsets if entry[0] != "Visits"]

    def get_sample(self, user: User, format_name: str) -> StreamingHttpResponse:
        """Return a sample file with one contact."""
        values = [CONTACT_REQUEST[name] for name in _SAMPLE]
        return sample_file(_SAMPLE, values, format_name, name="contacts")

    def get_form_context(
        self, request: HttpRequest, row: Contact | None, *, has_errors: bool
    ) -> dict[str, object]:
        """Return the actions on a contact, and its history."""
        assert isinstance(request.user, User)
        if row is None:
            return {}
        return {
            "contact_actions": get_contact_actions(request.user, row),
            "contact_history": get_history(request, row),
        }

    def save_model(
        self, request: HttpRequest, obj: Contact, form: ContactForm, change: bool
    ) -> None:
        """Save the contact, and publish the change to open inboxes."""
        assert isinstance(request.user, User)
        if not change:
            obj.first_seen_at = obj.last_seen_at = timezone.now()
        save_contact(obj, request.user)
        publish_contact(obj)

    @admin.display(description="name", ordering="name")
    def display_name(self, contact: Contact) -> str:
        return str(contact)

    @admin.display(description="stage", ordering="stage__position")
    def placement(self, contact: Contact) -> SafeString | None:
        if contact.pipeline is None:
            return None
        if contact.stage is None:
            return format_html("{}", contact.pipeline)
        return format_html("{} · {}", contact.pipeline, contact.stage)

    @admin.display(description="page URL")
    def page_address(self, contact: Contact) -> str:
        return contact.page_url

    @admin.display(description="first seen (UTC)", ordering="first_seen_at")
    def first_seen(self, contact: Contact) -> SafeString:
        return time_tag(contact.first_seen_at)

    @admin.display(description="last seen (UTC)", ordering="last_seen_at")
    def last_seen(self, contact: Contact) -> SafeString:
        return time_tag(contact.last_seen_at)
