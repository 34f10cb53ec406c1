"""The pages that export and erase a person, and that show the progress, in the admin site."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from organizations.admin.site import site
from organizations.models import User
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats.conversations.contact_actions import ContactAction
from webchats.conversations.errors import ContactGone
from webchats.conversations.models import Contact, Conversation, Erasure, Note
from webchats.conversations.privacy.access import may_erase, may_export
from webchats.conversations.privacy.erasure import request_erasure
from webchats.conversations.privacy.export import export_response
from webchats.conversations.privacy.removal import describe

app_name = "privacy"


class ErasureForm(forms.Form):
    """The confirmation: the contact's name or address, which must be typed."""

    confirmation = forms.CharField(
        label="Confirmation", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, contact: Contact, *args: Any) -> None:
        super().__init__(*args)
        self.label_suffix = ""
        names = (contact.name, contact.email, contact.phone)
        self._accepted = [name for name in names if name] or [str(contact)]
        quoted = " or ".join(f"“{name}”" for name in self._accepted)
        self.fields["confirmation"].help_text = f"Type {quoted}."

    def clean_confirmation(self) -> str:
        """Reject any other text, except for its case."""
        text: str = self.cleaned_data["confirmation"]
        if text.casefold() not in [name.casefold() for name in self._accepted]:
            message = "This is not the name or the address of the contact."
            raise ValidationError(message, "not_confirmed")
        return text


def get_export_action(user: User, contact: Contact) -> ContactAction | None:
    """Return the button on the page of a contact, for roles that may export."""
    if not may_export(user):
        return None
    return ContactAction("Export data", reverse("privacy:export", args=[contact.pk]))


def get_erase_action(user: User, contact: Contact) -> ContactAction | None:
    """Return the button on the page of a contact, for roles that may erase."""
    if not may_erase(user):
        return None
    url = reverse("privacy:erase", args=[contact.pk])
    return ContactAction("Erase", url, is_destructive=True)


@require_safe
def export(request: HttpRequest, pk: str) -> StreamingHttpResponse:
    """Download everything that is stored about the contact."""
    user, contact = _get_user(request), _get_contact(request, pk)
    if not may_export(user):
        raise PermissionDenied
    return export_response(request, contact, user)


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask for confirmation. A POST with it starts the erasure, whose progress is shown."""
    user, contact = _get_user(request), _get_contact(request, pk)
    if not may_erase(user):
        raise PermissionDenied
    erasure = Erasure.objects.unfinished().filter(contact_id=contact.pk).first()
    if erasure is not None:
        return redirect("privacy:erasure", pk=erasure.pk)
    form = ErasureForm(contact, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            erasure = request_erasure(contact=contact, user=user)
        except ContactGone as error:
            messages.error(request, str(error.detail))
            return redirect("admin:conversations_contact_changelist")
        return redirect("privacy:erasure", pk=erasure.pk)
    context = {
        **site.each_context(request),
        "title": "Erase contact",
        "contact": contact,
        "counts": _count(contact),
        "form": form,
        "export_url": reverse("privacy:export", args=[contact.pk]),
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/privacy/erase.html", context, status=status)


@require_safe
def erasure(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the progress: the page, or for htmx the part that changes."""
    user = _get_user(request)
    if not may_erase(user):
        raise PermissionDenied
    rows = Erasure.objects.for_user(user).select_related("requested_by")
    found = rows.filter(pk=pk).first() if re.fullmatch(OBJECT_ID_PATTERN, pk) else None
    if found is None:
        raise Http404
    context: dict[str, object] = {"erasure": found}
    if request.headers.get("HX-Request") == "true":
        return TemplateResponse(request, "admin/privacy/progress.html", context)
    context |= {**site.each_context(request), "title": "Erasure"}
    return TemplateResponse(request, "admin/privacy/erasure.html", context)


def _get_user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _get_contact(request: HttpRequest, pk: str) -> Contact:
    rows = Contact.objects.for_user(_get_user(request)).select_related("organization", "stage")
    contact = rows.filter(pk=pk).first() if re.fullmatch(OBJECT_ID_PATTERN, pk) else None
    if contact is None:
        raise Http404
    return contact


def _count(contact: Contact) -> list[str]:
    """Return texts such as ``["2 conversations", "1 note of staff"]``."""
    rows = Conversation.objects.filter(contact=contact)
    totals = rows.aggregate(count=Count("pk"), messages=Coalesce(Sum("last_sequence"), 0))
    counts = {
        "conversations": totals["count"],
        "messages": totals["messages"],
        "notes": Note.objects.filter(conversation__contact=contact).count(),
        "moves": contact.moves.count(),
    }
    return [describe(count, nouns) for nouns, count in counts.items() if count]


urlpatterns = [
    path("contacts/<str:pk>/export/", site.admin_view(export), name="export"),
    path("contacts/<str:pk>/erase/", site.admin_view(erase), name="erase"),
    path("erasures/<str:pk>/", site.admin_view(erasure), name="erasure"),
]
