"""The errors of an import's report, as its page shows them."""

import dataclasses
from collections.abc import Iterable
from typing import Final

from webchats.imports.columns import UNKNOWN_COLUMN
from webchats.imports.rows import ImportProblem

#: The numbers of lines that are shown for one error.
_MAX_LINES: Final = 5


@dataclasses.dataclass
class ProblemGroup:
    """The same error of one or more lines."""

    field: str
    reason: str
    lines: list[int] = dataclasses.field(default_factory=list)

    @property
    def place(self) -> str:
        """The numbers of the lines, or a dash for an error of the whole file."""
        if not self.lines:
            return "–"
        shown = ", ".join(map(str, self.lines[:_MAX_LINES]))
        more = len(self.lines) - _MAX_LINES
        return f"{shown} and {more:,} more" if more > 0 else shown


def is_about_columns(problem: ImportProblem) -> bool:
    """Return whether a file with the columns of the sample would not have the problem."""
    return problem.reason.startswith(UNKNOWN_COLUMN)


def group_problems(problems: Iterable[ImportProblem]) -> list[ProblemGroup]:
    """Return each error once, in the order of its first line.

    A column with a wrong name, for example, is an error of every row.
    """
    groups: dict[tuple[str, str], ProblemGroup] = {}
    for problem in problems:
        key = (problem.field, problem.reason)
        group = groups.setdefault(key, ProblemGroup(*key))
        if problem.line is not None:
            group.lines.append(problem.line)
    return list(groups.values())
