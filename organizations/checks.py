"""System checks of the settings for tokens."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core import checks

#: RFC 7518, section 3.2: a key for HS256 must have at least as many bits as the hash.
MIN_SIGNING_KEY_BYTES: Final = 32
#: Access tokens cannot be revoked one by one and should therefore expire soon.
MAX_ACCESS_TOKEN_LIFETIME: Final = timedelta(days=1)


def check_tokens(**kwargs: object) -> list[checks.CheckMessage]:
    """Return ``organizations.E002`` for a short signing key and ``W001`` for long-lived tokens."""
    messages: list[checks.CheckMessage] = []
    keys = [settings.SIMPLE_JWT["SIGNING_KEY"], *settings.JWT_SIGNING_KEY_FALLBACKS]
    if min(len(key.encode()) for key in keys) < MIN_SIGNING_KEY_BYTES and not settings.DEBUG:
        messages.append(
            checks.Error(
                f"A signing key for tokens has fewer than {MIN_SIGNING_KEY_BYTES} bytes.",
                hint="Set JWT_SIGNING_KEY (or SECRET_KEY) to at least 50 random characters, and "
                "remove shorter keys from the fallbacks.",
                id="organizations.E002",
            )
        )
    if settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"] > MAX_ACCESS_TOKEN_LIFETIME:
        messages.append(
            checks.Warning(
                "Access tokens are valid for more than a day.",
                hint="Lower ACCESS_TOKEN_MINUTES. Clients renew tokens with /api/auth/refresh. "
                "For a long-lived credential, use an API key.",
                id="organizations.W001",
            )
        )
    return messages
