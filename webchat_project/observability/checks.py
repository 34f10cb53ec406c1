"""Settings of logs, metrics and crash reports that are wrong: ``manage.py check`` reports them."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004

from webchat_project.observability import sentry as crash_reports

LOG_FORMATS = ("json", "line")
#: A token that can be guessed opens the metrics to everybody.
SHORTEST_TOKEN = 20


def check_log_settings(**_: Any) -> list[CheckMessage]:
    """``observability.E001``: a form of the log that there is not."""
    if settings.LOG_FORMAT in LOG_FORMATS:
        return []
    return [
        Error(
            f"LOG_FORMAT is {settings.LOG_FORMAT!r}.",
            hint=f"Write one of: {', '.join(LOG_FORMATS)}. JSON is written meanwhile.",
            id="observability.E001",
        )
    ]


def check_metrics_token(**_: Any) -> list[CheckMessage]:
    """``observability.E002``: a token that can be guessed."""
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= SHORTEST_TOKEN:
        return []
    return [
        Error(
            f"METRICS_TOKEN has fewer than {SHORTEST_TOKEN} characters.",
            hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            id="observability.E002",
        )
    ]


def check_metrics_folder(**_: Any) -> list[CheckMessage]:
    """``observability.W001``: metrics of one process among several."""
    if not settings.METRICS_TOKEN or settings.PROMETHEUS_MULTIPROC_DIR:
        return []
    return [
        Warning(
            "Each process of the service answers /metrics for itself alone.",
            hint="Set PROMETHEUS_MULTIPROC_DIR to a folder that is emptied at each start.",
            id="observability.W001",
        )
    ]


def check_crash_reports(**_: Any) -> list[CheckMessage]:
    """``observability.E003``: crash reports that cannot be sent."""
    problem = crash_reports.problem()
    if problem is None:
        return []
    hint = "Install the extra: uv sync --no-dev --extra sentry."
    if crash_reports.IS_INSTALLED:
        hint = "It looks like https://KEY@HOST/NUMBER."
    return [Error(problem, hint=hint, id="observability.E003")]
