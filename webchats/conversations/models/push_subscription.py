"""Devices that get notifications by web push."""

import base64
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ValidationError
from django.db import models

from organizations import constraints
from organizations.fields import TEXT_VALIDATORS
from organizations.models import User
from organizations.tenancy.models import TenantScoped

ENDPOINT_LENGTH: Final = 1_000
DEVICE_LENGTH: Final = 100
#: Subscriptions of one user. The oldest one is deleted for another one.
MAX_SUBSCRIPTIONS: Final = 20

#: Bytes of an uncompressed point of P-256 and of the secret, and their characters in Base64.
_POINT_BYTES: Final = 65
_SECRET_BYTES: Final = 16
_POINT_LENGTH: Final = 88
_SECRET_LENGTH: Final = 24


def decode_key(value: str) -> bytes:
    """Return the bytes of URL-safe Base64 without padding. Raise ``ValueError``."""
    if not value.isascii():
        raise ValueError
    return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)


def validate_public_key(value: str) -> None:
    """Reject anything but an uncompressed point of P-256 in URL-safe Base64 (RFC 8291)."""
    try:
        point = decode_key(value)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        point = b""
    if len(point) != _POINT_BYTES:
        raise ValidationError("Enter the key p256dh of the subscription.", "invalid")


def validate_secret(value: str) -> None:
    """Reject anything but 16 bytes in URL-safe Base64 (RFC 8291)."""
    try:
        is_valid = len(decode_key(value)) == _SECRET_BYTES
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValidationError("Enter the key auth of the subscription.", "invalid")


class PushSubscription(TenantScoped):
    """A browser or an app of one user, and its push service (RFC 8030).

    ``endpoint`` is a capability URL: neither logged nor returned by the API.
    """

    tenant_path = "user__organization_id"
    is_detail = True

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_id: str
    endpoint = models.CharField(max_length=ENDPOINT_LENGTH, unique=True, validators=TEXT_VALIDATORS)
    #: The keys that encrypt messages for the device, as ``PushSubscription.toJSON()`` names them.
    p256dh = models.CharField(max_length=_POINT_LENGTH, validators=[validate_public_key])
    auth = models.CharField(max_length=_SECRET_LENGTH, validators=[validate_secret])
    device = models.CharField(
        max_length=DEVICE_LENGTH,
        blank=True,
        validators=TEXT_VALIDATORS,
        help_text="Such as “Firefox on Android”.",
    )
    last_success_at: "models.DateTimeField[datetime | None, datetime | None]" = (
        models.DateTimeField(null=True, editable=False)
    )

    class Meta:
        ordering = ("created_at", "id")
        constraints = (constraints.length_between("endpoint", 1, ENDPOINT_LENGTH),)

    def __str__(self) -> str:
        return self.device or "Device"
