"""System checks of the settings that concern the deployment as a whole."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from rest_framework.throttling import SimpleRateThrottle


def check_rate_limits(**options: Any) -> list[CheckMessage]:
    """``webchat_project.E001``: a rate limit that cannot be read."""
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
            id="webchat_project.E001",
        )
        for scope, rate in unreadable
    ]


def check_secret_key(**options: Any) -> list[CheckMessage]:
    """``webchat_project.E002``: a key with blanks in it, which is a comment or a left-over."""
    if not any(character.isspace() for character in settings.SECRET_KEY):
        return []
    return [
        Error(
            "SECRET_KEY has white space in it: it looks like a comment taken for a value.",
            hint="In an .env file, put a comment on a line of its own.",
            id="webchat_project.E002",
        )
    ]


def check_numbers(**options: Any) -> list[CheckMessage]:
    """``webchat_project.E003``: a number that cannot be meant."""
    least = {"MAX_BODY_BYTES": 1, "MAX_UPLOAD_BYTES": 1, "TRUSTED_PROXIES": 0, "SESSION_HOURS": 1}
    return [
        Error(
            f"{name} is {getattr(settings, name)}, but must be at least {smallest}.",
            hint="Leave it out for the default.",
            id="webchat_project.E003",
        )
        for name, smallest in least.items()
        if getattr(settings, name) < smallest
    ]


def check_static_files(**options: Any) -> list[CheckMessage]:
    """``webchat_project.W001``: pages without their styles and scripts."""
    if settings.DEBUG or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return []
    return [
        checks.Warning(
            "The static files are not collected: the admin and the API's page cannot be shown.",
            hint="Run `manage.py collectstatic` when you build or update the service.",
            id="webchat_project.W001",
        )
    ]


def check_shared_cache(**options: Any) -> list[CheckMessage]:
    """``webchat_project.W002``: rate limits that every process counts for itself."""
    if not settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        return []
    return [
        checks.Warning(
            "The cache is local memory: each process counts rate limits for itself.",
            hint="Set CACHE_URL=redis://HOST:6379/0.",
            id="webchat_project.W002",
        )
    ]


def check_proxies(**options: Any) -> list[CheckMessage]:
    """``webchat_project.W003``: redirected to https for ever."""
    if not settings.SECURE_SSL_REDIRECT or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "Every request is redirected to https, but no proxy is trusted to say that it was.",
            hint="Set TRUSTED_PROXIES to the number of proxies before the service (usually 1), "
            "or SECURE_SSL_REDIRECT=false if the server itself speaks TLS.",
            id="webchat_project.W003",
        )
    ]
