"""The application that holds streams, with the headers of this service."""

from typing import Final

from django.conf import settings

from webchat_project.middleware import DEFAULT_CSP
from webchats.conversations.live.application import LiveApplication
from webchats.conversations.live.hub import Hub
from webchats.conversations.live.process import LiveProcess
from webchats.conversations.live.requests import Headers

PREFIX: Final = "/live/"


def make_live_application() -> tuple[LiveApplication, LiveProcess]:
    """Return the application and the process that starts and stops its hub."""
    hub = Hub()
    return LiveApplication(hub, _security_headers()), LiveProcess(hub)


def _security_headers() -> Headers:
    """Return the headers that middleware adds to the responses of Django."""
    headers = [
        ("Content-Security-Policy", DEFAULT_CSP),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", settings.SECURE_REFERRER_POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ]
    if settings.SECURE_HSTS_SECONDS:
        value = f"max-age={settings.SECURE_HSTS_SECONDS}"
        value += "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        value += "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        headers.append(("Strict-Transport-Security", value))
    return headers
