"""The admin pages of canned replies."""

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.text import Truncator

from organizations.admin.site import site
from organizations.admin.times import updated_at
from organizations.models import User
from organizations.tenancy.admin import TenantForm
from webchats.admin.actions import export_actions
from webchats.admin.imports import ImportMixin
from webchats.conversations.api.examples import CANNED_REPLY_REQUEST
from webchats.conversations.imports.canned_replies import (
    EXPORTED,
    VALUES,
    CannedReplyImport,
    read_rows,
)
from webchats.conversations.models import CannedReply
from webchats.imports.exporter import rows_response, sample_file

#: Characters of a text in the list.
_MAX_SHOWN = 80


class CannedReplyForm(TenantForm[CannedReply]):
    """A canned reply."""

    class Meta:
        widgets = {"text": forms.Textarea(attrs={"rows": 8})}


def _export(replies: QuerySet[CannedReply], format_name: str, user: User) -> StreamingHttpResponse:
    rows = read_rows(replies)
    return rows_response(EXPORTED, rows, format_name, name="canned-replies", user=user)


@admin.register(CannedReply, site=site)
class CannedReplyAdmin(ImportMixin[CannedReply]):
    """Texts that representatives insert into their messages."""

    form = CannedReplyForm
    run_class = CannedReplyImport
    name_column = "shortcut"
    actions = export_actions("canned replies", _export)
    purpose = (
        "A canned reply is a text for frequent questions. In the inbox, your team inserts "
        "it by its shortcut."
    )
    list_display = ("__str__", "title", "beginning", updated_at)
    search_fields = ("shortcut", "title", "text")
    search_help_text = "Search shortcuts, titles and texts"
    fieldsets = ((None, {"fields": ("shortcut", "title", "text")}),)

    def get_sample(self, user: User, format_name: str) -> StreamingHttpResponse:
        """Return a sample file with one reply."""
        values = [CANNED_REPLY_REQUEST[name] for name in VALUES]
        return sample_file(VALUES, values, format_name, name="canned-replies")

    @admin.display(description="text")
    def beginning(self, reply: CannedReply) -> str:
        return Truncator(reply.text).chars(_MAX_SHOWN)
