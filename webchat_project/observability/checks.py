"""System checks of the settings for logs, metrics and crash reports."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - the names of Django

from webchat_project.observability import sentry

LOG_FORMATS = ("json", "line")
#: A shorter token could be guessed.
MIN_TOKEN_LENGTH = 20


def check_log_format(**_: object) -> list[CheckMessage]:
    """Report an unknown ``LOG_FORMAT`` (``observability.E001``)."""
    if settings.LOG_FORMAT in LOG_FORMATS:
        return []
    return [
        Error(
            f"Unknown LOG_FORMAT {settings.LOG_FORMAT!r}.",
            hint=f"Use one of: {', '.join(LOG_FORMATS)}. The log is written as JSON meanwhile.",
            id="observability.E001",
        )
    ]


def check_metrics_token(**_: object) -> list[CheckMessage]:
    """Report a ``METRICS_TOKEN`` that could be guessed (``observability.E002``)."""
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= MIN_TOKEN_LENGTH:
        return []
    return [
        Error(
            f"METRICS_TOKEN has fewer than {MIN_TOKEN_LENGTH} characters.",
            hint="Generate one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            id="observability.E002",
        )
    ]


def check_metrics_folder(**_: object) -> list[CheckMessage]:
    """Report a missing ``PROMETHEUS_MULTIPROC_DIR`` (``observability.W001``)."""
    if not settings.METRICS_TOKEN or settings.PROMETHEUS_MULTIPROC_DIR:
        return []
    return [
        Warning(
            "/metrics has the metrics of one process only.",
            hint="Set PROMETHEUS_MULTIPROC_DIR to a folder that is emptied at each start.",
            id="observability.W001",
        )
    ]


def check_sentry(**_: object) -> list[CheckMessage]:
    """Report an unusable ``SENTRY_DSN`` (``observability.E003``)."""
    problem = sentry.problem()
    if problem is None:
        return []
    hint = "Install the extra: uv sync --no-dev --extra sentry."
    if sentry.IS_INSTALLED:
        hint = "Use the form https://KEY@HOST/NUMBER."
    return [Error(problem, hint=hint, id="observability.E003")]
