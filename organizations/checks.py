"""What is missing or dangerous in the settings that concern who may call, and how often."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from rest_framework.throttling import SimpleRateThrottle

#: RFC 7518, section 3.2: a key for HS256 has at least as many bits as its hash.
MIN_SIGNING_KEY_BYTES = 32
#: An access token cannot be taken back one by one, so it should not live long.
LONGEST_ACCESS_TOKEN = timedelta(days=1)


def check_rate_limits(**options: Any) -> list[CheckMessage]:
    """``organizations.E001``: a rate limit that cannot be read."""
    unreadable = []
    for scope, rate in settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].items():
        try:
            SimpleRateThrottle.parse_rate(SimpleRateThrottle.__new__(SimpleRateThrottle), rate)
        except (ValueError, KeyError, IndexError):
            unreadable.append((scope, rate))
    return [
        Error(
            f"The rate limit {rate!r} ({scope}) cannot be read.",
            hint="Write a number, a slash and sec, min, hour or day: RATE_LIMIT_ADDRESS=300/min.",
            id="organizations.E001",
        )
        for scope, rate in unreadable
    ]


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


def check_secret_key(**options: Any) -> list[CheckMessage]:
    """``organizations.E003``: a key with blanks in it, which is a comment or a left-over."""
    if not any(character.isspace() for character in settings.SECRET_KEY):
        return []
    return [
        Error(
            "SECRET_KEY has white space in it: it looks like a comment taken for a value.",
            hint="In an .env file, put a comment on a line of its own.",
            id="organizations.E003",
        )
    ]


def check_static_files(**options: Any) -> list[CheckMessage]:
    """``organizations.W004``: pages without their styles and scripts."""
    if settings.DEBUG or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return []
    return [
        checks.Warning(
            "The static files are not collected: the admin and the API's page cannot be shown.",
            hint="Run `manage.py collectstatic` when you build or update the service.",
            id="organizations.W004",
        )
    ]


def check_numbers(**options: Any) -> list[CheckMessage]:
    """``organizations.E004``: a number that cannot be meant."""
    least = {"MAX_BODY_BYTES": 1, "MAX_UPLOAD_BYTES": 1, "TRUSTED_PROXIES": 0, "SESSION_HOURS": 1}
    return [
        Error(
            f"{name} is {getattr(settings, name)}, but must be at least {smallest}.",
            hint="Leave it out for the default.",
            id="organizations.E004",
        )
        for name, smallest in least.items()
        if getattr(settings, name) < smallest
    ]


def check_shared_cache(**options: Any) -> list[CheckMessage]:
    """``organizations.W002``: rate limits that every process counts for itself."""
    if not settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        return []
    return [
        checks.Warning(
            "The cache is local memory: each process counts rate limits for itself.",
            hint="Set CACHE_URL=redis://HOST:6379/0.",
            id="organizations.W002",
        )
    ]


def check_proxies(**options: Any) -> list[CheckMessage]:
    """``organizations.W003``: redirected to https for ever."""
    if not settings.SECURE_SSL_REDIRECT or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "Every request is redirected to https, but no proxy is trusted to say that it was.",
            hint="Set TRUSTED_PROXIES to the number of proxies before the service (usually 1), "
            "or SECURE_SSL_REDIRECT=false if the server itself speaks TLS.",
            id="organizations.W003",
        )
    ]
