"""What was logged, as production writes it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from webchat_project.observability.formatters import JsonFormatter


class Log:
    """Everything that was logged, at any level."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """As it was written."""
        return self.stream.getvalue()

    @property
    def records(self) -> list[dict[str, Any]]:
        """The same, read."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        """What one logger said."""
        return [record for record in self.records if record["logger"] == logger]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The lines of requests."""
        return self.of("request")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that matter to security."""
        return self.of("security")


@pytest.fixture
def log() -> Iterator[Log]:
    """A second handler, as the settings make the first."""
    made = Log()
    handler = logging.StreamHandler(made.stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield made
    root.removeHandler(handler)
    root.setLevel(before)
