"""The user's devices that are notified while no inbox is open, and their service worker."""

from pathlib import Path
from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from organizations.auth.roles import Operation
from organizations.models import User
from webchat_project.api.timestamps import format_timestamp
from webchats.conversations.inbox.access import get_user, inbox_view
from webchats.conversations.models import PushSubscription
from webchats.conversations.notifications.subscriptions import (
    PushUnavailable,
    describe_device,
    subscribe,
)
from webchats.conversations.notifications.vapid import get_public_key

_STATIC: Final = Path(__file__).parent.parent / "static" / "conversations"


class DeviceForm(forms.Form):
    """What a browser returns for a subscription. ``subscribe`` validates it."""

    endpoint = forms.CharField()
    p256dh = forms.CharField()
    auth = forms.CharField()


def get_push_key(user: User) -> str | None:
    """Return the key with which the user's browser subscribes; ``None`` if it cannot."""
    return get_public_key() if user.organization_id is not None else None


@require_safe
def push_worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker. It is the same for all users, and updated without a session.

    Its path is its scope, so it is no static file.
    """
    script = (_STATIC / "push_worker.js").read_bytes()
    headers = {"Cache-Control": "no-cache"}
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers=headers)


@inbox_view(Operation.VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def devices(request: HttpRequest) -> HttpResponse:
    """List the user's devices, or add the device that sends the request and return its id."""
    if request.method == "POST":
        return _add(request)
    own = PushSubscription.objects.filter(user=get_user(request))
    return JsonResponse({"devices": [_describe(row) for row in own]})


@inbox_view(Operation.VIEW)
@require_POST
def remove(request: HttpRequest, device_pk: str) -> HttpResponse:
    """Notify one of the user's devices no longer."""
    PushSubscription.objects.filter(user=get_user(request), pk=device_pk).delete()
    return HttpResponse(status=204)


def _add(request: HttpRequest) -> HttpResponse:
    form = DeviceForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)
    device = describe_device(request.headers.get("User-Agent", ""))
    try:
        row, _ = subscribe(user=get_user(request), device=device, **form.cleaned_data)
    except (ValidationError, PushUnavailable) as error:
        messages = error.messages if isinstance(error, ValidationError) else [str(error.detail)]
        return JsonResponse({"error": " ".join(messages)}, status=422)
    return JsonResponse({"id": row.pk})


def _describe(row: PushSubscription) -> dict[str, str | None]:
    last = row.last_success_at
    return {
        "id": row.pk,
        "name": str(row),
        "lastSuccessAt": None if last is None else format_timestamp(last),
    }
