"""Reports of crashes to Sentry, or to a service that speaks its protocol, if ``SENTRY_DSN`` is set.

A report says where the code failed and which request it was by its id: the rest is in the log. No
header, cookie, query, body, local variable or earlier event goes with it.
"""

from typing import Any

from django.conf import settings

from webchat_project.observability.context import current
from webchat_project.observability.redaction import redacted

try:
    import sentry_sdk
    from sentry_sdk.integrations.logging import ignore_logger
    from sentry_sdk.utils import BadDsn, Dsn
except ImportError:
    # It is an extra.
    IS_INSTALLED = False
else:
    IS_INSTALLED = True


def problem() -> str | None:
    """Why reports cannot be sent, although they should be."""
    if not settings.SENTRY_DSN:
        return None
    if not IS_INSTALLED:
        return "SENTRY_DSN is set, but the package sentry-sdk is missing."
    try:
        Dsn(settings.SENTRY_DSN)
    except BadDsn:
        return "SENTRY_DSN cannot be read."
    return None


def start() -> None:
    """Send reports from now on, if the setting says so and they can be sent."""
    if not settings.SENTRY_DSN or problem():
        return
    # What these say is no crash: the exception behind a failed request is reported by itself.
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


def _before_send(event: Any, hint: Any) -> Any:
    return cleaned(event)


def cleaned(event: dict[str, Any]) -> dict[str, Any]:
    """The report without what it should not tell, and with the request's id."""
    request = event.pop("request", None) or {}
    for name in ("extra", "breadcrumbs", "user"):
        event.pop(name, None)
    event = _redacted(event)
    event["request"] = {"method": request.get("method")}
    if context := current.get():
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
