"""Heartbeats of the inbox, which its script sends."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from organizations.auth.roles import Operation
from webchats.conversations.inbox.access import (
    get_conversation,
    get_organization_id,
    get_user,
    inbox_view,
)
from webchats.conversations.inbox.views import get_path, is_htmx, render_inbox
from webchats.conversations.presence import (
    report_absence,
    report_presence,
    set_away,
    show_typing,
)


class PresenceForm(forms.Form):
    """Whether the user types or has left the conversation, and the state of the tab."""

    typing = forms.BooleanField(required=False)
    left = forms.BooleanField(required=False)
    tab = forms.ChoiceField(
        choices=[("", "Visible"), ("was_hidden", "Just hidden"), ("hidden", "Hidden")],
        required=False,
    )

    @property
    def is_visible(self) -> bool | None:
        """Whether the tab is visible; ``None`` if it has been hidden for a while."""
        return {"was_hidden": False, "hidden": None}.get(self.cleaned_data.get("tab", ""), True)


class AwayForm(forms.Form):
    """The new state of the away switch, and the conversation that the page shows."""

    is_away = forms.ChoiceField(choices=[("on", "Away"), ("off", "Back")])
    conversation = forms.CharField(required=False)


@inbox_view(Operation.VIEW)
@require_POST
def online(request: HttpRequest) -> HttpResponse:
    """Record that the user has the inbox open."""
    organization_id = get_organization_id(request, None)
    form = PresenceForm(request.POST)
    form.full_clean()
    if organization_id is not None:
        report_presence(
            organization_id=organization_id, user=get_user(request), is_visible=form.is_visible
        )
    return HttpResponse(status=204)


@inbox_view(Operation.VIEW)
@require_POST
def away(request: HttpRequest) -> HttpResponse:
    """Turn the away switch of the user on or off, and return the page as it was."""
    form = AwayForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)
    user, pk = get_user(request), form.cleaned_data["conversation"]
    conversation = get_conversation(user, pk) if pk else None
    organization_id = get_organization_id(request, conversation)
    if organization_id is None:
        return HttpResponse(status=422)
    is_away = form.cleaned_data["is_away"] == "on"
    set_away(organization_id=organization_id, user=user, is_away=is_away)
    if is_htmx(request):
        return render_inbox(request, conversation)
    return redirect(f"{get_path(conversation)}?{request.GET.urlencode()}")


@inbox_view(Operation.CHANGE)
@require_POST
def presence(request: HttpRequest, pk: str) -> HttpResponse:
    """Show colleagues that the user looks at the conversation, and perhaps writes a note.

    The header ``Webchat-Enabled`` is for pages that still show another state of the webchat.
    """
    user = get_user(request)
    conversation = get_conversation(user, pk)
    form = PresenceForm(request.POST)
    form.full_clean()
    if form.cleaned_data["left"]:
        report_absence(user=user, conversation=conversation)
    else:
        report_presence(
            organization_id=conversation.organization_id,
            user=user,
            conversation=conversation,
            is_typing=form.cleaned_data["typing"],
        )
    is_enabled = conversation.webchat is not None and conversation.webchat.is_enabled
    return HttpResponse(status=204, headers={"Webchat-Enabled": str(is_enabled).lower()})


@inbox_view(Operation.CHANGE)
@require_POST
def typing(request: HttpRequest, pk: str) -> HttpResponse:
    """Show visitor and colleagues that the user is typing."""
    user = get_user(request)
    show_typing(get_conversation(user, pk), user)
    return HttpResponse(status=204)
