"""System checks of settings that belong to no single app."""

from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

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
        "EMAIL_TIMEOUT": 1,
        "REQUESTS_PER_ORGANIZATION": 2,
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


def check_requests(**_: object) -> list[CheckMessage]:
    """Report requests of one organization that occupy most threads (``webchat_project.W005``)."""
    if settings.REQUESTS_PER_ORGANIZATION <= settings.SERVER_THREADS // 2:
        return []
    return [
        Warning(
            f"REQUESTS_PER_ORGANIZATION is {settings.REQUESTS_PER_ORGANIZATION}, more than half of "
            f"the {settings.SERVER_THREADS} threads of a process.",
            hint="Lower it, so that one organization cannot stop others, or raise "
            "GRANIAN_BLOCKING_THREADS.",
            id="webchat_project.W005",
        )
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


def check_email(**_: object) -> list[CheckMessage]:
    """Report settings with which e-mails are not delivered (``webchat_project.E004``, ``E005``).

    Also a password that is sent without encryption (``webchat_project.W004``).
    """
    if not settings.EMAIL_ENABLED:
        return []
    found: list[CheckMessage] = []
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    if "@" not in sender or sender == "webmaster@localhost":
        message = f"EMAIL_URL is set, but DEFAULT_FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL!r}."
        hint = "Set DEFAULT_FROM_EMAIL to an address that the mail server accepts as a sender."
        found.append(Error(message, hint=hint, id="webchat_project.E004"))
    url = urlsplit(settings.BASE_URL)
    # The first of ALLOWED_HOSTS may be a pattern, such as ".example.com".
    has_host = bool(url.hostname) and url.netloc[0] not in ".*"
    if url.scheme not in ("http", "https") or not has_host:
        message = f"BASE_URL is {settings.BASE_URL!r}. Links in e-mails would not work."
        hint = "Set BASE_URL to the address of the service, such as https://chat.example.com."
        found.append(Error(message, hint=hint, id="webchat_project.E005"))
    is_encrypted = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    is_local = settings.EMAIL_HOST in ("localhost", "127.0.0.1", "::1")
    if settings.EMAIL_HOST_PASSWORD and not is_encrypted and not is_local:
        message = "EMAIL_URL has a password, which is sent without encryption."
        hint = "Use smtp+tls:// (usually port 587) or smtp+ssl:// (port 465)."
        found.append(Warning(message, hint=hint, id="webchat_project.W004"))
    return found
