"""What a user has chosen for the inbox."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from organizations.auth.roles import Operation
from organizations.models import User
from webchats.conversations.inbox.access import get_user, inbox_view


class ShortcutsForm(forms.Form):
    """Whether single keys are shortcuts."""

    is_enabled = forms.BooleanField(required=False)


@inbox_view(Operation.VIEW)
@require_POST
def set_shortcuts(request: HttpRequest) -> HttpResponse:
    """Turn the shortcuts of single keys on or off for the user."""
    form = ShortcutsForm(request.POST)
    form.full_clean()
    user = User.objects.filter(pk=get_user(request).pk)
    user.update(uses_single_keys=form.cleaned_data["is_enabled"])
    return HttpResponse(status=204)
