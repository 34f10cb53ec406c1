"""Crash reports to Sentry, or a compatible service, if ``SENTRY_DSN`` is set.

A report has the traceback and the id of the request. It has no headers, cookies, query string,
body, local variables or breadcrumbs.
"""

from typing import Any

from django.conf import settings

from webchat_project.observability.context import current_request
from webchat_project.observability.redaction import redacted

#: The JSON document of a report.
Event = dict[str, Any]

try:
    import sentry_sdk
    from sentry_sdk.integrations.logging import ignore_logger
    from sentry_sdk.utils import BadDsn, Dsn
except ImportError:
    # The package is an optional dependency.
    IS_INSTALLED = False
else:
    IS_INSTALLED = True


def problem() -> str | None:
    """Return the reason why crash reports cannot be sent, ``None`` if they can or are disabled."""
    if not settings.SENTRY_DSN:
        return None
    if not IS_INSTALLED:
        return "SENTRY_DSN is set, but the package sentry-sdk is missing."
    try:
        Dsn(settings.SENTRY_DSN)
    except BadDsn:
        return "SENTRY_DSN is invalid."
    return None


def start() -> None:
    """Initialize the Sentry SDK if ``SENTRY_DSN`` is set and valid."""
    if not settings.SENTRY_DSN or problem():
        return
    # Sentry reports unhandled exceptions itself.
    for name in ("request", "security"):
        ignore_logger(name)
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.RELEASE,
        environment="development" if settings.DEBUG else "production",
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        before_send=_before_send,
    )


def _before_send(event: Any, hint: object) -> Any:
    return cleaned(event)


def cleaned(event: Event) -> Event:
    """Return the event without personal data and secrets, with the request's id as a tag."""
    request = event.pop("request", None) or {}
    for name in ("extra", "breadcrumbs", "user"):
        event.pop(name, None)
    event = _redacted(event)
    event["request"] = {"method": request.get("method")}
    if context := current_request.get():
        event["tags"] = {**(event.get("tags") or {}), "request_id": context.request_id}
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _redacted(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(inner) for inner in value]
    return value
