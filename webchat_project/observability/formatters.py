"""Formatters and filters of log records.

A record has the fields of ``extra={"fields": {…}}`` and of the current request. Other attributes
that libraries add to a record, such as the request, are not written.
"""

import json
import logging
from datetime import UTC, datetime

from webchat_project.observability.context import current_request
from webchat_project.observability.redaction import redacted

#: Loggers whose messages are constants, so that redaction can be skipped.
_CONSTANT_MESSAGES = frozenset({"request", "security"})


class UnhandledExceptionFilter(logging.Filter):
    """Keeps only unhandled exceptions of the logger ``django.request``, without the path.

    Its other records repeat the request log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or getattr(record, "status_code", 500) < 500:
            return False
        record.msg, record.args = "Unhandled exception", ()
        return True


class NoTracebackFilter(logging.Filter):
    """Logs errors that any client can cause as warnings without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = dict(getattr(record, "fields", {}))
    if request := current_request.get():
        fields |= request._asdict()
    return fields


class JsonFormatter(logging.Formatter):
    """One JSON object per line: ``time``, ``level``, ``logger``, ``message``, the fields, and
    ``exc_info`` or ``stack_info`` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message if record.name in _CONSTANT_MESSAGES else redacted(message),
            **_fields(record),
        }
        if record.exc_info:
            line["exc_info"] = redacted(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack_info"] = redacted(record.stack_info)
        return _encode(line)


# ``json.dumps`` with options creates an encoder for each call.
_encode = json.JSONEncoder(default=str).encode


class LineFormatter(logging.Formatter):
    """Text for people: time, level, logger, message, and the fields as ``name=value``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of logging
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        return super().formatMessage(record) + fields

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.name in _CONSTANT_MESSAGES else redacted(text)
