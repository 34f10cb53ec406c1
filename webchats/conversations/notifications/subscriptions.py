"""The devices of a user that get notifications by web push."""

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.db import transaction
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied

from organizations.ai.addresses import AddressRefused, validate_base_url
from organizations.models import User
from webchats.conversations.models import PushSubscription
from webchats.conversations.models.push_subscription import MAX_SUBSCRIPTIONS
from webchats.conversations.notifications.vapid import get_public_key

#: The names of browsers and systems by a part of their ``User-Agent``. The first match counts.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox|FxiOS": "Firefox",
    "Chrome|CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS: Final = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


class PushUnavailable(APIException):
    """The operator has not set up web push."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = (
        "Web push is not set up. The operator has to set VAPID_PRIVATE_KEY and VAPID_SUBJECT."
    )
    default_code = "push_unavailable"


def subscribe(
    *, user: User, endpoint: str, p256dh: str, auth: str, device: str = ""
) -> tuple[PushSubscription, bool]:
    """Store a device, and return it with whether it is new. The oldest one above the limit goes.

    An endpoint that is known already gets the new keys, and is the user's from now on: the browser
    may have been somebody else's. Raise ``ValidationError`` for invalid values and an address that
    the service does not connect to, ``PushUnavailable`` without a VAPID key, and
    ``PermissionDenied`` for superusers, whom nothing is for.
    """
    if user.organization_id is None:
        raise PermissionDenied("Only members of an organization get notifications.")
    if get_public_key() is None:
        raise PushUnavailable
    values = {"user": user, "p256dh": p256dh, "auth": auth, "device": device}
    PushSubscription(endpoint=endpoint, **values).full_clean(validate_unique=False)
    _validate_endpoint(endpoint, user.organization_id)
    with transaction.atomic():
        # Of devices that are added at once, each counts the others.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        row, is_new = PushSubscription.objects.update_or_create(endpoint=endpoint, defaults=values)
        own = PushSubscription.objects.filter(user=user).order_by("-updated_at", "-id")
        oldest = list(own.values_list("pk", flat=True)[MAX_SUBSCRIPTIONS:])
        PushSubscription.objects.filter(pk__in=oldest).delete()
    return row, is_new


def get_origin(endpoint: str) -> str:
    """Return the origin of an endpoint, such as ``https://push.example.com``."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def describe_device(user_agent: str) -> str:
    """Return a name such as “Firefox on Android”, as far as the header names one."""
    browser, system = (
        next((name for pattern, name in names.items() if re.search(pattern, user_agent)), "")
        for names in (_BROWSERS, _SYSTEMS)
    )
    return f"{browser or 'Browser'} on {system}" if system else browser


def _validate_endpoint(endpoint: str, organization_id: str) -> None:
    """Raise ``ValidationError`` unless the service may connect to the endpoint, by HTTPS."""
    try:
        # Some push services have a query string.
        url = urlunsplit(urlsplit(endpoint)._replace(query=""))
        if not url.startswith("https://"):
            raise AddressRefused
        validate_base_url(url, organization_id=organization_id)
    except ValueError:
        message = "Enter the https URL of a push service, whose addresses are public."
        raise ValidationError({"endpoint": ValidationError(message, "refused_address")}) from None
