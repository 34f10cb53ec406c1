"""Settings of logs, metrics and crash reports that are wrong: ``manage.py check`` reports them."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

LOG_FORMATS = ("json", "line")


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
