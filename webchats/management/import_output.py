"""The output of an import command: problems, progress and rejected rows."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Final, NoReturn

from django.core.management.base import CommandError, OutputWrapper
from django.db import DatabaseError
from tqdm import tqdm

from webchats.icons.storage import StorageUnavailable
from webchats.imports.interfaces import ImportObserver
from webchats.imports.report import Rejects
from webchats.imports.rows import ImportProblem, ImportRow

#: The option of an import that the command words as its own.
_UPDATE_OPTION: Final = re.compile(r"use the option to update existing [a-z ]+\.\Z")
#: Maximum number of different problems that are stored. Later ones are printed each time.
_MAX_DIFFERENT: Final = 1_000
#: Maximum number of lines that are listed for a repeated problem.
_MAX_LINES: Final = 10


@dataclass(slots=True)
class _Repetition:
    """The rows after the first one that have a problem: their number, and the first lines."""

    unit: str
    last_line: int | None
    count: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, line: int | None) -> None:
        if line == self.last_line:
            # Such as two columns without a name: one row.
            return
        self.last_line = line
        self.count += 1
        if len(self.lines) < _MAX_LINES:
            self.lines.append(str(line))

    def __str__(self) -> str:
        rows = "row" if self.count == 1 else "rows"
        unit = self.unit if self.count == 1 else f"{self.unit}s"
        more = ", …" if self.count > len(self.lines) else ""
        return f"and {self.count:,} more {rows} ({unit} {', '.join(self.lines)}{more})"


class ProblemPrinter:
    """Prints the first row with a problem at once, and the number of its other rows at the end.

    Problems are equal if they have the same field and reason. ``write`` receives each line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._repetitions: dict[tuple[str, str], _Repetition] = {}

    def add(self, problem: ImportProblem) -> None:
        """Print the problem, or count it if an equal one was printed."""
        key = (problem.field, problem.reason)
        if repetition := self._repetitions.get(key):
            repetition.add(problem.line)
            return
        if len(self._repetitions) < _MAX_DIFFERENT:
            self._repetitions[key] = _Repetition(problem.unit, problem.line)
        self._print(str(_reworded(problem)))

    def print_repetitions(self) -> None:
        """Print the number of rows of each problem that was not printed for every row."""
        for (column, reason), repetition in self._repetitions.items():
            if repetition.count:
                problem = _reworded(ImportProblem(None, column, reason))
                self._print(f"{repetition}: {problem}")
        self._repetitions.clear()

    def _print(self, text: str) -> None:
        # Column names may contain characters that the terminal or the log cannot encode.
        self._write(text.encode("utf-8", "backslashreplace").decode())


def _reworded(problem: ImportProblem) -> ImportProblem:
    return replace(problem, reason=_UPDATE_OPTION.sub("use --update.", problem.reason))


class CommandObserver(ImportObserver):
    """Prints the problems, updates the progress bar and collects the rejected rows."""

    def __init__(
        self, problems: ProblemPrinter, progress: "tqdm[NoReturn]", rejects: Rejects, stop: Event
    ) -> None:
        self._problems = problems
        self._progress = progress
        self._rejects = rejects
        self._stop = stop

    def header_read(self, header: list[str] | None) -> None:
        self._rejects.add_columns(header)

    def problem_found(self, problem: ImportProblem) -> None:
        self._progress.clear()
        self._problems.add(problem)

    def row_rejected(self, row: ImportRow) -> None:
        self._rejects.add(row)

    def rows_read(self, count: int) -> None:
        self._progress.update(count)

    def should_stop(self) -> bool:
        return self._stop.is_set()


@contextmanager
def observe_import(
    stderr: OutputWrapper, rejects: Rejects, stop: Event
) -> Iterator[CommandObserver]:
    """Yield an observer with a progress bar. Print the repeated problems when the block ends.

    Raise ``CommandError`` if the icon storage, the database or the file system fails.
    """
    problems = ProblemPrinter(stderr.write)
    # ``disable=None``: no progress bar unless standard error is a terminal.
    with tqdm(unit=" rows", disable=None, leave=False) as progress:
        try:
            yield CommandObserver(problems, progress, rejects, stop)
        except (StorageUnavailable, DatabaseError, sqlite3.Error, OSError) as error:
            raise CommandError(f"Nothing was imported: {error}") from None
        finally:
            progress.clear()
            problems.print_repetitions()
