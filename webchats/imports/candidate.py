"""One row of a file: what it says, and what is wrong with it."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from webchat_project.api.serializers import details_of
from webchats.imports.report import Problem
from webchats.imports.row import Row


@dataclass(slots=True)
class Candidate:
    """A row that was read. ``values`` are valid, by the model's names."""

    row: Row
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    id: str | None = None

    def refuse(self, name: str, error: ValidationError | str) -> None:
        """Say what is wrong with the column ``name``."""
        if isinstance(error, str):
            self._add(name, error)
            return
        details = details_of(error)
        by_place = details.items() if isinstance(details, dict) else [(None, details)]
        for place, messages in by_place:
            where = name if place is None else f"{name}.{place}"
            for text in messages:
                self._add(where, str(text))

    def _add(self, name: str, reason: str) -> None:
        self.problems.append(Problem(self.row.line, name, reason, self.row.unit))

    @property
    def name(self) -> str | None:
        """The valid name, if it has one."""
        return self.values.get("name")
