"""How a log record is written: as JSON for machines, as a line for people.

A record's own fields are those of its ``fields`` attribute (``extra={"fields": {…}}``), and no
others: what libraries hang on their records, requests among it, is not written.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from webchat_project.observability.context import current
from webchat_project.observability.redaction import redacted

#: Loggers whose texts are ours from end to end: nothing in them has to be looked for.
TRUSTED = frozenset({"request", "security"})


class OfTheRequest(logging.Filter):
    """Puts the request's id and the client's address on every record made during a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = current.get()
        record.request_id = context.request_id if context else ""
        record.address = context.address if context else ""
        return True


class OnlyUnhandledExceptions(logging.Filter):
    """Of Django's own words about a request keeps the traceback of an exception that nobody
    caught: the rest says the request's one line better, and without its path."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or getattr(record, "status_code", 500) < 500:
            return False
        record.msg, record.args = "An exception that nobody caught", ()
        return True


class WithoutTraceback(logging.Filter):
    """For what anybody can bring about, such as a request to a host that is not ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the record says beside its message."""
    own: dict[str, Any] = dict(getattr(record, "fields", {}))
    if request_id := getattr(record, "request_id", ""):
        own["request_id"] = request_id
        own["address"] = getattr(record, "address", "")
    return own


class JsonFormatter(logging.Formatter):
    """One object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message, the record's own fields, and the traceback if there is
        one."""
        text = record.getMessage()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": text if record.name in TRUSTED else redacted(text),
            **fields_of(record),
        }
        if record.exc_info:
            line["exc_info"] = redacted(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack_info"] = redacted(record.stack_info)
        return _encode(line)


# Made once, which ``json.dumps`` would do for each line.
_encode = json.JSONEncoder(default=str).encode


class LineFormatter(logging.Formatter):
    """Time, level, logger, message, and the fields as ``name=value``."""

    def __init__(self, **options: Any) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", **options)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line without the traceback."""
        fields = "".join(f" {name}={value}" for name, value in fields_of(record).items())
        return super().formatMessage(record) + fields

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.name in TRUSTED else redacted(text)
