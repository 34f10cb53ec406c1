"""Import rows and their problems."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as ApiValidationError

from webchat_project.api.serializers import to_drf_errors

#: A cell can hold a list whose entries are all invalid.
MAX_PROBLEMS: Final = 20
_FURTHER: Final = "Further errors in this row are not listed."


class FileRefused(Exception):
    """The file as a whole cannot be imported.

    ``reason`` is a sentence for the user. ``line`` is the line or row, counted from 1, if known.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Formula(str):
    """A cell that a spreadsheet would evaluate. It is invalid in every column."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """An error in a file.

    ``line`` is counted from 1, in ``unit``: ``line`` of a text file, ``row`` of a sheet or ``item``
    of a JSON array. ``field`` is the name of a column, with the index of a list's entry after a
    dot, or empty for an error of the whole row or file.
    """

    line: int | None
    field: str
    reason: str
    unit: str = "line"

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        line = "" if self.line is None else f"{self.unit} {self.line}: "
        return f"{line}{field}{self.reason}"


@dataclass(slots=True)
class ImportRow:
    """A row of a file.

    ``cells`` maps column names to strings (CSV, XLSX) or JSON values, without the empty cells of
    CSV and XLSX files. ``malformed`` is the reason why the row cannot be read at all, or empty.
    ``length`` is about the number of characters, more for short values, which take more memory.

    Validation sets ``id``, ``values`` (the valid values by model field) and ``problems``.
    """

    line: int
    cells: dict[str, object]
    malformed: str = ""
    unit: str = "line"
    length: int = 0
    id: str | None = None
    values: dict[str, object] = field(default_factory=dict)
    problems: list[ImportProblem] = field(default_factory=list)

    def reject(self, column: str, reason: str) -> None:
        """Add a problem of ``column``. The last of ``MAX_PROBLEMS`` represents all further ones."""
        count = len(self.problems)
        if count == MAX_PROBLEMS - 1:
            column, reason = "", _FURTHER
        if count < MAX_PROBLEMS:
            self.problems.append(ImportProblem(self.line, column, reason, self.unit))

    def reject_value(self, column: str, error: ValidationError | ApiValidationError) -> None:
        """Add a problem for each message of ``error``, with the index of an invalid list entry."""
        details = to_drf_errors(error) if isinstance(error, ValidationError) else error.detail
        by_index = details.items() if isinstance(details, dict) else [("", details)]
        for index, messages in by_index:
            for message in messages:
                self.reject(f"{column}.{index}" if index != "" else column, str(message))


@dataclass(frozen=True, slots=True)
class Table:
    """The columns and rows of a file, which is read while the rows are iterated over.

    ``header`` lists the columns, or is ``None`` if each row has its own (JSON). The cells are JSON
    values if ``is_json`` is set, otherwise strings. Iterating raises ``FileRefused``.
    """

    header: list[str] | None
    rows: Iterator[ImportRow]
    is_json: bool = False
