"""The list of erasures in the admin site. Nobody changes or deletes them."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.admin.times import time_tag
from organizations.tenancy.admin import TenantAdmin
from webchats.conversations.models import Erasure, ErasureState
from webchats.conversations.privacy import pages


@admin.register(Erasure, site=site)
class ErasureAdmin(TenantAdmin[Erasure]):
    """Erasures of people, with a link to the progress of each."""

    purpose = "An erasure deletes a contact with everything about the person."
    is_secondary = True
    list_display = ("contact", "progress", "requested_by", "requested_at")
    list_display_links = None
    list_select_related = ("requested_by",)
    list_filter = ("state",)
    search_fields = ("contact_id",)
    search_help_text = "Search ids of contacts"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: the page of a contact has the button."""
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show the page with the progress."""
        return pages.erasure(request, object_id)

    @admin.display(description="contact")
    def contact(self, erasure: Erasure) -> SafeString:
        url = reverse("privacy:erasure", args=[erasure.pk])
        return format_html('<a href="{}">{}</a>', url, erasure.contact_id)

    @admin.display(description="progress", ordering="state")
    def progress(self, erasure: Erasure) -> SafeString:
        if erasure.state == ErasureState.DONE:
            return badge("Done", "good")
        return badge(f"{erasure.percent} %", "quiet")

    @admin.display(description="requested (UTC)", ordering="created_at")
    def requested_at(self, erasure: Erasure) -> SafeString:
        return time_tag(erasure.created_at)
