"""What is missing or dangerous in the settings that concern who may call, and how often."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

#: RFC 7518, section 3.2: a key for HS256 has at least as many bits as its hash.
MIN_SIGNING_KEY_BYTES = 32
#: An access token cannot be taken back one by one, so it should not live long.
LONGEST_ACCESS_TOKEN = timedelta(days=1)


def check_tokens(**options: Any) -> list[CheckMessage]:
    """``organizations.E002``/``W001``: a weak signing key, access tokens that live too long."""
    messages: list[CheckMessage] = []
    keys = [settings.SIMPLE_JWT["SIGNING_KEY"], *settings.JWT_SIGNING_KEY_FALLBACKS]
    if min(len(key.encode()) for key in keys) < MIN_SIGNING_KEY_BYTES and not settings.DEBUG:
        messages.append(
            Error(
                f"A key of tokens has fewer than {MIN_SIGNING_KEY_BYTES} bytes.",
                hint="Set JWT_SIGNING_KEY (or SECRET_KEY) to 50 random characters or more, and "
                "take shorter ones out of the fallbacks.",
                id="organizations.E002",
            )
        )
    if settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"] > LONGEST_ACCESS_TOKEN:
        messages.append(
            checks.Warning(
                "Access tokens live longer than a day.",
                hint="Lower ACCESS_TOKEN_MINUTES: clients renew by /api/auth/refresh; machines "
                "that need a long-lived credential use an API key.",
                id="organizations.W001",
            )
        )
    return messages
