"""The text in the composer, which the script of the inbox saves while the user writes."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from organizations.auth.roles import Operation
from organizations.fields import TEXT_VALIDATORS
from webchats.conversations import services
from webchats.conversations.inbox.access import get_conversation, get_user, inbox_view
from webchats.conversations.models.message import MAX_TEXT_LENGTH


class UnsentTextForm(forms.Form):
    """The text of the composer, which may be empty."""

    mode = forms.ChoiceField(choices=[("reply", "Reply"), ("note", "Note")])
    text = forms.CharField(
        strip=False, required=False, max_length=MAX_TEXT_LENGTH, validators=TEXT_VALIDATORS
    )


@inbox_view(Operation.CHANGE)
@require_POST
def save(request: HttpRequest, pk: str) -> HttpResponse:
    """Store the user's unsent text. An invalid text is not stored: 422."""
    user = get_user(request)
    conversation = get_conversation(user, pk)
    form = UnsentTextForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)
    services.save_unsent_text(
        conversation=conversation,
        user=user,
        text=form.cleaned_data["text"].replace("\r\n", "\n"),
        is_note=form.cleaned_data["mode"] == "note",
    )
    return HttpResponse(status=204)
