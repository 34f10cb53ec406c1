"""Reading the cells of a row into its values."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as ApiValidationError

from webchats.conversations.imports.columns import parse_id
from webchats.imports.columns import unknown_column
from webchats.imports.rows import Formula, ImportRow
from webchats.imports.validation import FORMULA


def read_cells(
    row: ImportRow,
    read: Callable[[ImportRow, str, object], None],
    *,
    known: frozenset[str],
    used: tuple[str, ...],
    has_header: bool,
) -> None:
    """Set the row's id, and call ``read`` with the row, the column and the cell for its values.

    ``known`` are the columns that a file may have, ``used`` those that are read. The importer
    reports an unknown column of a header once, so only a row without one is rejected. The
    ``ValidationError`` of Django or DRF that ``read`` raises becomes a problem of the row.
    """
    if len(row.cells) > 2 * len(known):
        row.malformed = "Too many columns."
    if row.malformed:
        row.reject("", row.malformed)
        return
    for column, cell in row.cells.items():
        if column not in known:
            if not has_header:
                row.reject(column, unknown_column(column, known, used))
        elif column not in used:
            continue
        elif isinstance(cell, Formula):
            row.reject(column, FORMULA)
        else:
            try:
                if column == "_id":
                    row.id = parse_id(cell)
                else:
                    read(row, column, cell)
            except (ValidationError, ApiValidationError) as error:
                row.reject_value(column, error)
