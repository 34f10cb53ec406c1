"""Import rows and their problems."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as ApiValidationError

from webchat_project.api.serializers import to_drf_errors


class FileRefused(Exception):
    """The file as a whole cannot be imported.

    ``reason`` is a sentence for people. ``line`` is the line or row, counted from 1, if known.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Formula(str):
    """The text of a cell that a spreadsheet would compute. It is not valid in any column."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """An error in a file.

    ``line`` is counted from 1. ``unit`` says what it counts: ``line`` of a text file, ``row`` of a
    sheet or ``item`` of a JSON array. ``field`` is the name of a column, with the index of a list's
    entry after a dot, or empty if the error concerns the row or the file.
    """

    line: int | None
    field: str
    reason: str
    unit: str = "line"

    def __str__(self) -> str:
        place = "" if self.line is None else f"{self.unit} {self.line}: "
        return f"{place}{self.field}: {self.reason}" if self.field else f"{place}{self.reason}"


@dataclass(slots=True)
class ImportRow:
    """A row of a file.

    ``cells`` maps column names to texts (CSV, XLSX) or JSON values. Empty cells of CSV and XLSX
    are left out. ``malformed`` is the reason why the row cannot be read at all, or empty.

    Validation adds ``id``, ``values`` (the valid values by model field) and ``problems``.
    """

    line: int
    cells: dict[str, object]
    malformed: str = ""
    unit: str = "line"
    id: str | None = None
    values: dict[str, object] = field(default_factory=dict)
    problems: list[ImportProblem] = field(default_factory=list)

    def reject(self, column: str, reason: str) -> None:
        """Add a problem of ``column``."""
        self.problems.append(ImportProblem(self.line, column, reason, self.unit))

    def reject_value(self, column: str, error: ValidationError | ApiValidationError) -> None:
        """Add a problem for each message of ``error``, at the entry of a list that it names."""
        details = to_drf_errors(error) if isinstance(error, ValidationError) else error.detail
        by_index = details.items() if isinstance(details, dict) else [("", details)]
        for index, messages in by_index:
            for message in messages:
                self.reject(f"{column}.{index}" if index != "" else column, str(message))


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, which is read while they are iterated over.

    ``header`` lists the columns, or is ``None`` if each row names its own (JSON). ``is_json`` says
    whether cells are JSON values instead of texts. Iterating raises ``FileRefused``.
    """

    header: list[str] | None
    rows: Iterator[ImportRow]
    is_json: bool = False
