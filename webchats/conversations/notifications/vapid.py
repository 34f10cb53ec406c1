"""The key by which push services recognize this service (VAPID, RFC 8292)."""

import time
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import serialization
from django.conf import settings
from py_vapid import Vapid02, VapidException
from py_vapid.utils import b64urlencode

#: Seconds for which a token is valid. Push services accept at most a day.
_TOKEN_SECONDS: Final = 12 * 3600


class VapidRefused(Exception):
    """The key, the subject or the origin cannot be used in a token."""


def generate_private_key() -> str:
    """Return a new private key: 32 bytes in URL-safe Base64 without padding."""
    vapid = Vapid02()
    vapid.generate_keys()
    number: int = vapid.private_key.private_numbers().private_value
    encoded: str = b64urlencode(number.to_bytes(32, "big"))
    return encoded


def get_public_key() -> str | None:
    """Return the public key, with which browsers subscribe; ``None`` if web push is not set up.

    An uncompressed point of P-256 in URL-safe Base64 without padding.
    """
    if not settings.VAPID_PRIVATE_KEY or not settings.VAPID_SUBJECT:
        return None
    try:
        return _derive_public_key(settings.VAPID_PRIVATE_KEY)
    except VapidRefused:
        # ``check_vapid`` reports it.
        return None


def sign(origin: str) -> str:
    """Return the header ``Authorization`` for requests to the origin of a push service.

    Raise ``VapidRefused`` for an invalid key or subject, and for an origin with an IPv6 address.
    """
    claims = {
        "aud": origin,
        "exp": int(time.time()) + _TOKEN_SECONDS,
        "sub": settings.VAPID_SUBJECT,
    }
    try:
        header: str = _load(settings.VAPID_PRIVATE_KEY).sign(claims)["Authorization"]
    except VapidException as error:
        raise VapidRefused(str(error)) from None
    return header


@cache
def _load(private_key: str) -> Vapid02:
    try:
        return Vapid02.from_string(private_key)
    except Exception:  # noqa: BLE001 - the library documents none, and the message may quote the key
        raise VapidRefused("The private key is invalid.") from None


def _derive_public_key(private_key: str) -> str:
    point = _load(private_key).public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    encoded: str = b64urlencode(point)
    return encoded
