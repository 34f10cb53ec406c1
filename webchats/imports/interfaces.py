"""What an import calls: the observer of its progress, and the validator of its rows."""

from typing import Protocol, TypeVar

from organizations.tenancy.models import TenantModel
from webchats.imports.rows import ImportProblem, ImportRow

_Row_contra = TypeVar("_Row_contra", bound=TenantModel, contravariant=True)
_New_co = TypeVar("_New_co", covariant=True)


class ImportObserver:
    """Callbacks during an import. They do nothing unless a subclass overrides them."""

    def header_read(self, header: list[str] | None) -> None:
        """Receive the columns; ``None`` if each row has its own (JSON)."""

    def problem_found(self, problem: ImportProblem) -> None:
        """Receive an error of the file or of a row."""

    def row_rejected(self, row: ImportRow) -> None:
        """Receive a rejected row, after all of its problems."""

    def rows_read(self, count: int) -> None:
        """Receive the number of rows that were processed since the last call."""

    def should_stop(self) -> bool:
        """Return whether to interrupt the import. Called before each batch and the commit."""
        return False


class Validator(Protocol[_Row_contra, _New_co]):
    """Validates import rows, and applies them. Errors become problems of the import row."""

    def read(self, row: ImportRow) -> None:
        """Set the id and the values of the import row."""

    def create(self, row: ImportRow) -> _New_co:
        """Return a new row as ``ImportRun.write`` takes it. It is not used if there are errors."""

    def change(self, row: ImportRow, stored: _Row_contra, /) -> bool:
        """Assign the values to a stored row. Return whether one has changed."""
