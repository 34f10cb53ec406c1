"""What came of an import: the counts, and what is wrong where."""

from dataclasses import dataclass, field
from typing import Any

from webchats.models.imports import ImportStatus

#: A report in memory or in an answer names no more problems than this; all are counted, and
#: whoever listens (the command) is told each of them.
MOST_PROBLEMS = 1_000


class FileRefused(Exception):
    """The file as a whole cannot be read: the sentence says where and why."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Interrupted(Exception):
    """Somebody asked the import to stop."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``line`` is the line of a text file, the row of a sheet or the
    number of an array's item, as ``unit`` says, each counted from 1; ``field`` is the document's
    name."""

    line: int | None
    field: str
    reason: str
    unit: str = "line"

    def __str__(self) -> str:
        place = "" if self.line is None else f"{self.unit} {self.line}: "
        return f"{place}{self.field}: {self.reason}" if self.field else f"{place}{self.reason}"


@dataclass(slots=True)
class Report:
    """The counts of rows, and the first problems."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    status: ImportStatus = ImportStatus.RUNNING
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.created + self.updated + self.unchanged + self.rejected

    @property
    def is_good(self) -> bool:
        """Whether the import ended as it was asked to."""
        return self.status in (ImportStatus.COMPLETED, ImportStatus.CHECKED)

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it if there is room."""
        self.problem_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    @property
    def summary(self) -> str:
        """One sentence for people."""
        counts = (
            f"{self.created:,} created, {self.updated:,} updated, "
            f"{self.unchanged:,} unchanged, {self.rejected:,} rejected."
        )
        return {
            ImportStatus.COMPLETED: f"Imported: {counts}",
            ImportStatus.CHECKED: f"Dry run, nothing was written. It would be: {counts}",
            ImportStatus.REFUSED: f"Refused, nothing was written. {self.rows:,} rows were read, "
            f"{self.rejected:,} of them bad.",
            ImportStatus.INTERRUPTED: "Interrupted, nothing was written.",
            ImportStatus.RUNNING: f"Running: {counts}",
        }[self.status]

    def as_document(self) -> dict[str, Any]:
        """The report as the API answers it."""
        return {
            "status": str(self.status),
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "problemCount": self.problem_count,
            "problems": [
                {"line": problem.line, "field": problem.field, "message": problem.reason}
                for problem in self.problems
            ],
        }
