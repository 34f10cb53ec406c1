"""Excel workbooks: the first sheet of an import, and the only sheet of an export."""

import datetime
import errno
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import BinaryIO, Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from webchats.imports.columns import to_cell
from webchats.imports.formats.xlsx_sheet import Row, read_rows
from webchats.imports.rows import FileRefused, ImportRow, Table

#: Rows below the header of an Excel sheet, and characters of a cell.
MAX_ROWS: Final = 1_048_575
_MAX_CELL_LENGTH: Final = 32_767
#: Maximum size of an exported workbook in memory, in bytes. A larger one is a temporary file.
_IN_MEMORY: Final = 8 * 1024 * 1024
#: Bytes per yielded chunk.
_WRITTEN: Final = 1 << 16
#: The creation date in a workbook: constant, so that the same rows produce the same bytes.
_CREATED: Final = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 - the file format has no time zone


# --- Reading ---


@contextmanager
def open_table(file: BinaryIO) -> Iterator[Table]:
    """Open the first sheet and read its header. Raise ``FileRefused`` if that is impossible."""
    file.seek(0)
    with closing(read_rows(file)) as sheet:
        number, cells = next(sheet, (1, {}))
        names = {column: name for column, cell in cells.items() if (name := cell.strip())}
        if not names:
            reason = "The first sheet is empty. Its first row must name the columns."
            raise FileRefused(reason, number)
        header = [names.get(column, "") for column in range(max(names) + 1)]
        yield Table(header, _rows(sheet, header))


def _rows(sheet: Iterator[Row], header: list[str]) -> Iterator[ImportRow]:
    for number, cells in sheet:
        filled: dict[str, object] = {}
        for column, cell in cells.items():
            if cell and column < len(header):
                filled[header[column]] = cell
        length = sum(map(len, cells.values()))
        if any(cell for column, cell in cells.items() if column >= len(header)):
            reason = "The row has cells to the right of the header's last column."
            yield ImportRow(number, filled, reason, "row", length)
        elif filled:
            yield ImportRow(number, filled, "", "row", length)


# --- Writing ---


def write(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Generator[bytes, None, None]:
    """Yield the bytes of a workbook. Raise ``OSError`` for more rows than a sheet can have."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        # A context manager, because the workbook has a temporary file.
        with xlsxwriter.Workbook(file, options) as workbook:
            workbook.set_properties({"created": _CREATED})
            _fill(workbook, columns, rows)
        file.seek(0)
        while chunk := file.read(_WRITTEN):
            yield chunk


def _fill(
    workbook: xlsxwriter.Workbook, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    sheet = workbook.add_worksheet("webchats")
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, columns, workbook.add_format({"bold": True}))
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise OSError(errno.EFBIG, f"A sheet can have {MAX_ROWS:,} rows. Use another format")
        for column, value in enumerate(row):
            _write_cell(sheet, number, column, value)


def _write_cell(sheet: Worksheet, row: int, column: int, value: object) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
        return
    cell = to_cell(value)
    if not isinstance(cell, str):
        sheet.write_number(row, column, cell)
    elif cell:
        # Only a rejected value can be too long. ``xlsxwriter`` would omit it.
        sheet.write_string(row, column, cell[:_MAX_CELL_LENGTH])
