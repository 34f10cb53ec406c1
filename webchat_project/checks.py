"""System checks of settings that belong to no single app."""

from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - the names of Django

from webchat_project.api.throttling import SlidingWindowThrottle


def check_rate_limits(**_: object) -> list[CheckMessage]:
    """Report rate limits that cannot be parsed (``webchat_project.E001``)."""
    parser = SlidingWindowThrottle.__new__(SlidingWindowThrottle)
    invalid = []
    for scope, rate in settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].items():
        try:
            parser.parse_rate(rate)
        except (ValueError, KeyError, IndexError):
            invalid.append((scope, rate))
    return [
        Error(
            f"The rate limit {rate!r} ({scope}) is invalid.",
            hint="Write a number, a slash and sec, min, hour or day: RATE_LIMIT_ADDRESS=300/min.",
            id="webchat_project.E001",
        )
        for scope, rate in invalid
    ]


def check_secret_key(**_: object) -> list[CheckMessage]:
    """Report white space in ``SECRET_KEY`` (``webchat_project.E002``)."""
    if not any(character.isspace() for character in settings.SECRET_KEY):
        return []
    return [
        Error(
            "SECRET_KEY contains white space. It may be a comment that was read as the value.",
            hint="In an .env file, write a comment on a separate line.",
            id="webchat_project.E002",
        )
    ]


def check_numbers(**_: object) -> list[CheckMessage]:
    """Report numbers that are too small (``webchat_project.E003``)."""
    minimums = {
        "MAX_BODY_BYTES": 1,
        "MAX_UPLOAD_BYTES": 1,
        "TRUSTED_PROXIES": 0,
        "SESSION_HOURS": 1,
        "WIDGET_SESSION_DAYS": 1,
        "LIVE_STREAMS_PER_SESSION": 1,
        "LIVE_STREAMS_PER_ADDRESS": 1,
        "LIVE_STREAMS_PER_USER": 1,
        "LIVE_SHUTDOWN_SECONDS": 0,
    }
    return [
        Error(
            f"{name} is {getattr(settings, name)}, but must be at least {minimum}.",
            hint="Remove the variable to use the default.",
            id="webchat_project.E003",
        )
        for name, minimum in minimums.items()
        if getattr(settings, name) < minimum
    ]


def check_static_files(**_: object) -> list[CheckMessage]:
    """Report missing static files (``webchat_project.W001``)."""
    if settings.DEBUG or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return []
    return [
        Warning(
            "The static files are not collected. The admin site and the API documentation fail.",
            hint="Run `manage.py collectstatic` when you build or update the service.",
            id="webchat_project.W001",
        )
    ]


def check_shared_cache(**_: object) -> list[CheckMessage]:
    """Report a cache that processes do not share (``webchat_project.W002``)."""
    if not settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        return []
    return [
        Warning(
            "The cache is local memory, so each process counts requests for throttling itself.",
            hint="Set CACHE_URL=redis://HOST:6379/0.",
            id="webchat_project.W002",
        )
    ]


def check_proxies(**_: object) -> list[CheckMessage]:
    """Report settings that redirect to HTTPS infinitely (``webchat_project.W003``)."""
    if not settings.SECURE_SSL_REDIRECT or settings.TRUSTED_PROXIES:
        return []
    return [
        Warning(
            "Infinite HTTPS redirect: X-Forwarded-Proto of the proxy is ignored.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front of the service (usually 1),"
            " or SECURE_SSL_REDIRECT=false if the server itself terminates TLS.",
            id="webchat_project.W003",
        )
    ]
