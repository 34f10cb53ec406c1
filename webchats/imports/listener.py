"""Who wants to know how an import goes."""

from webchats.imports.report import Problem
from webchats.imports.row import Row


class Listener:
    """Is told what happens, while it happens. This one does not mind."""

    def header(self, header: list[str] | None) -> None:
        """The columns of a file that has them once for all rows."""

    def problem(self, problem: Problem) -> None:
        """Something is wrong with a row, or with the file."""

    def rejected(self, row: Row, problems: list[Problem]) -> None:
        """A row as it stands in the file, after all its problems."""

    def progress(self, rows: int) -> None:
        """So many rows more have been looked at."""

    def stopped(self) -> bool:
        """Whether to stop. Asked before each batch and before the end; then it is too late."""
        return False
