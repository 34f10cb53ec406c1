"""The admin pages of contacts."""

from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from organizations.admin.site import site
from organizations.admin.times import time_tag
from organizations.models import Stage
from organizations.tenancy.admin import TenantAdmin, TenantForm
from organizations.tenancy.change_lists import NamesFilter
from webchats.admin.forms import StageChoiceField
from webchats.conversations.contacts import publish_contact
from webchats.conversations.models import Contact
from webchats.conversations.search import CONTACT_FIELDS
from webchats.search import search_terms, split_terms

#: The number of conversations on the page of a contact, the newest first.
MAX_CONVERSATIONS: Final = 10


class ContactForm(TenantForm[Contact]):
    """What representatives edit of a contact. A stage also sets its pipeline."""

    inputs = {"pipeline": ("stage",)}

    class Meta:
        field_classes = {"stage": StageChoiceField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("stage")
        # Read-only pages have no fields.
        if isinstance(field, StageChoiceField):
            stages = Stage.objects.for_organization(self.instance.organization_id)
            stages = stages.active() | stages.filter(pk=self.instance.stage_id)
            field.queryset = stages.select_related("pipeline").order_by(
                "pipeline__name", "position", "id"
            )
            field.empty_label = "None"
            # Only model admins wrap it.
            if isinstance(field.widget, RelatedFieldWidgetWrapper):
                field.widget.can_add_related = field.widget.can_change_related = False
                field.widget.can_view_related = field.widget.can_delete_related = False

    def clean(self) -> dict[str, Any] | None:
        """Set the pipeline of a new stage."""
        values = super().clean()
        if "stage" in self.changed_data and "stage" in self.cleaned_data:
            stage = self.cleaned_data["stage"]
            self.instance.pipeline = stage.pipeline if stage else None
        return values


@admin.register(Contact, site=site)
class ContactAdmin(TenantAdmin[Contact]):
    """Contacts. Visitors make them, so that nobody can add one."""

    form = ContactForm
    purpose = "A contact is a visitor who has written in one of your widgets."
    list_display = ("display_name", "email", "phone", "placement", "status", "last_seen")
    list_select_related = ("stage", "pipeline")
    list_filter = (
        ("stage", NamesFilter),
        ("pipeline", NamesFilter),
        ("webchat", NamesFilter),
    )
    search_fields = CONTACT_FIELDS
    search_help_text = "Search name, e-mail address and phone number"
    fieldsets = (
        ("Person", {"fields": ("name", "email", "phone")}),
        ("Stage", {"fields": ("stage", "status")}),
        (
            "Visits",
            {
                "fields": (
                    "webchat",
                    "recent_conversations",
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
        "recent_conversations",
        "page_address",
        "page_title",
        "referrer",
        "locale",
        "first_seen",
        "last_seen",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Return the contacts that contain every word or quoted phrase, and ``False``: no
        duplicates.
        """
        texts = split_terms(search_term)
        return search_terms(queryset, texts, CONTACT_FIELDS, newest="-last_seen_at"), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: a visitor's first message makes a contact."""
        return False

    def save_model(
        self, request: HttpRequest, obj: Contact, form: ContactForm, change: bool
    ) -> None:
        """Save the contact, and publish the change to open inboxes."""
        super().save_model(request, obj, form, change)
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
        return format_html("{} → {}", contact.pipeline, contact.stage)

    @admin.display(description="conversations")
    def recent_conversations(self, contact: Contact) -> SafeString:
        # A contact is made by the first message of a conversation.
        newest = contact.conversations.all()[:MAX_CONVERSATIONS]
        links = ((reverse("inbox:conversation", args=[row.pk]), str(row)) for row in newest)
        return format_html_join(SafeString("<br>"), '<a href="{}">{}</a>', links)

    @admin.display(description="page URL")
    def page_address(self, contact: Contact) -> str:
        return contact.page_url

    @admin.display(description="first seen (UTC)", ordering="first_seen_at")
    def first_seen(self, contact: Contact) -> SafeString:
        return time_tag(contact.first_seen_at)

    @admin.display(description="last seen (UTC)", ordering="last_seen_at")
    def last_seen(self, contact: Contact) -> SafeString:
        return time_tag(contact.last_seen_at)
