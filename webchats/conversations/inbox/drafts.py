"""Drafts of the AI in the inbox: the editor, its actions, and how an answer was made."""

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from organizations.auth.roles import Operation
from webchats.conversations import services
from webchats.conversations.canned_replies import validate_filled_in
from webchats.conversations.errors import DraftChanged
from webchats.conversations.inbox.access import get_conversation, get_user, inbox_view
from webchats.conversations.inbox.actions import action, refuse
from webchats.conversations.inbox.views import Composer, is_htmx, render_inbox
from webchats.conversations.models import Conversation, Draft, RejectionReason
from webchats.conversations.models.draft import MAX_COMMENT_LENGTH
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.validation import normalize_line_ends, validate_text

_EMPTY: Final = "The answer is empty. Write one, or reject the draft."
_MAX_VERSION: Final = 2**31 - 1


class VersionForm(forms.Form):
    """The draft that the user has seen, and its version: each draft begins with version 1."""

    draft = forms.CharField()
    version = forms.IntegerField(min_value=1, max_value=_MAX_VERSION)


class ApproveForm(VersionForm):
    """The text that is sent, which may have been edited."""

    text = forms.CharField(
        strip=False,
        max_length=MAX_TEXT_LENGTH,
        validators=[validate_text, validate_filled_in],
        error_messages={"required": _EMPTY, "blank": _EMPTY},
    )

    def clean_text(self) -> str:
        """Return the text with line feeds."""
        text: str = self.cleaned_data["text"]
        return normalize_line_ends(text)


class RejectForm(VersionForm):
    """Why the draft is rejected."""

    reason = forms.ChoiceField(choices=RejectionReason.choices)
    comment = forms.CharField(max_length=MAX_COMMENT_LENGTH, required=False)


@dataclass(frozen=True)
class _Submitted:
    """A pending draft, and the valid values that were submitted with it."""

    draft: Draft
    values: dict[str, Any]


@action
def approve(request: HttpRequest, conversation: Conversation) -> Composer | None:
    """Send the draft, unchanged or edited."""
    submitted = _read(request, conversation, ApproveForm(request.POST))
    if isinstance(submitted, Composer):
        return submitted
    services.approve_draft(
        draft=submitted.draft,
        user=get_user(request),
        version=submitted.values["version"],
        text=submitted.values["text"],
    )
    return None


@action
def reject(request: HttpRequest, conversation: Conversation) -> Composer | None:
    """Reject the draft. The visitor then waits for a person."""
    submitted = _read(request, conversation, RejectForm(request.POST))
    if isinstance(submitted, Composer):
        return submitted
    services.reject_draft(draft=submitted.draft, user=get_user(request), **submitted.values)
    return None


@action
def give_back(request: HttpRequest, conversation: Conversation) -> None:
    """Let the AI answer again."""
    services.give_back(conversation=conversation, user=get_user(request))


@inbox_view(Operation.CHANGE)
@require_POST
def edit(request: HttpRequest, pk: str) -> HttpResponse:
    """Report that the user edits the draft, so that a new message does not replace it."""
    user = get_user(request)
    conversation = get_conversation(user, pk)
    form = VersionForm(request.POST)
    draft = _find_draft(conversation, form.cleaned_data["draft"]) if form.is_valid() else None
    if draft is None:
        return HttpResponse(status=409)
    try:
        services.edit_draft(draft=draft, user=user, version=form.cleaned_data["version"])
    except DraftChanged:
        return HttpResponse(status=409)
    return HttpResponse(status=204)


@inbox_view(Operation.CHANGE)
@require_POST
def approve_next(request: HttpRequest, pk: str) -> HttpResponse:
    """Send the draft and open the next conversation with one, the longest waiting first."""
    response: HttpResponse = approve(request, pk)
    if response.status_code not in (200, 302):
        return response
    user = get_user(request)
    organization_id = get_conversation(user, pk).organization_id
    pending = Draft.objects.pending().for_organization(organization_id).order_by("created_at", "id")
    target = pending.values_list("conversation_id", flat=True).first()
    path = reverse("inbox:conversation", args=[target]) if target else reverse("inbox:list")
    location = f"{path}?{request.GET.urlencode()}"
    if not is_htmx(request):
        return HttpResponseRedirect(location)
    response = render_inbox(request, get_conversation(user, target) if target else None)
    response.headers["HX-Push-Url"] = location
    return response


def _read(
    request: HttpRequest, conversation: Conversation, form: VersionForm
) -> _Submitted | Composer:
    """Return the draft and the values, or the content of the composer with an error."""
    if not form.is_valid():
        return refuse(request, str(next(iter(form.errors.values()))[0]))
    values = form.cleaned_data
    draft = _find_draft(conversation, values.pop("draft"))
    if draft is None:
        return refuse(request, "There is no draft any more.")
    return _Submitted(draft, values)


def _find_draft(conversation: Conversation, pk: str) -> Draft | None:
    """Return the draft with this id, whether or not it is pending."""
    return Draft.objects.filter(conversation=conversation, pk=pk).first()
