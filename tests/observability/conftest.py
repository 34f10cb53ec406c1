"""The fixture ``log``: records in the format of production."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from webchat_project.observability.formatters import JsonFormatter


class Log:
    """The records of all levels and loggers."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """The formatted records."""
        return self.stream.getvalue()

    @property
    def records(self) -> list[dict[str, Any]]:
        """The decoded records."""
        return [json.loads(line) for line in self.text.splitlines()]

    def get_records(self, logger: str) -> list[dict[str, Any]]:
        """Return the records of one logger."""
        return [record for record in self.records if record["logger"] == logger]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The records of the request log."""
        return self.get_records("request")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The records of the security log."""
        return self.get_records("security")


@pytest.fixture
def log() -> Iterator[Log]:
    """Record the log with a second handler, which has the formatter of production."""
    recorded = Log()
    handler = logging.StreamHandler(recorded.stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield recorded
    root.removeHandler(handler)
    root.setLevel(before)
