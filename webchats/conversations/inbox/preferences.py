"""What a user has chosen for the inbox and its notifications."""

from typing import Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from organizations.admin.site import site
from organizations.auth.roles import Operation
from organizations.models import User
from webchats.conversations.inbox.access import get_user, inbox_view
from webchats.conversations.inbox.devices import get_push_key
from webchats.conversations.reports.access import may_read_reports

#: The choices that need a mail server.
EMAILS: Final = ("gets_email", "gets_weekly_report")


class PreferencesForm(forms.Form):
    """The settings of a user on all devices."""

    gets_email = forms.BooleanField(
        required=False,
        label="E-mail me when visitors wait",
        help_text=(
            "When nobody at your organization has been online for five minutes. At most one e-mail "
            "in five minutes, and one for each wait of a visitor."
        ),
    )
    gets_weekly_report = forms.BooleanField(
        required=False,
        label="E-mail me the figures of last week",
        help_text=(
            "On Mondays at 7:00 in the time zone of your organization, each figure beside that of "
            "the week before."
        ),
    )
    uses_single_keys = forms.BooleanField(
        required=False,
        label="Use single keys as shortcuts",
        help_text=(
            "They do nothing while you type. Turn them off if you dictate text, or press keys by "
            "accident."
        ),
    )

    def __init__(self, user: User, data: QueryDict | None) -> None:
        names = (*EMAILS, "uses_single_keys")
        super().__init__(data, initial={name: getattr(user, name) for name in names})
        if not _may_get_reports(user):
            del self.fields["gets_weekly_report"]
        if not settings.EMAIL_ENABLED:
            # The choices are kept for the day on which a mail server is configured.
            for name in EMAILS:
                self.fields.pop(name, None)


def _may_get_reports(user: User) -> bool:
    return user.organization_id is not None and may_read_reports(user)


class ShortcutsForm(forms.Form):
    """Whether single keys are shortcuts."""

    is_enabled = forms.BooleanField(required=False)


@inbox_view(Operation.VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show or save the user's settings of the inbox."""
    user = get_user(request)
    form = PreferencesForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        User.objects.filter(pk=user.pk).update(**form.cleaned_data)
        messages.success(request, "Your settings are saved.")
        return redirect("inbox:preferences")
    context = {
        **site.each_context(request),
        "title": "Inbox settings",
        "form": form,
        "emails": [field for field in form if field.name in EMAILS],
        "keys": [form["uses_single_keys"]],
        "has_email": settings.EMAIL_ENABLED,
        "may_read_reports": _may_get_reports(user),
        "has_push": get_push_key(user) is not None,
    }
    return TemplateResponse(request, "admin/inbox/preferences.html", context)


@inbox_view(Operation.VIEW)
@require_POST
def set_shortcuts(request: HttpRequest) -> HttpResponse:
    """Turn the shortcuts of single keys on or off for the user."""
    form = ShortcutsForm(request.POST)
    form.full_clean()
    user = User.objects.filter(pk=get_user(request).pk)
    user.update(uses_single_keys=form.cleaned_data["is_enabled"])
    return HttpResponse(status=204)
