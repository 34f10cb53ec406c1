"""The rows of a workbook's first sheet, read as a stream."""

import re
import string
from collections.abc import Generator
from contextlib import closing
from datetime import datetime
from typing import BinaryIO, Final

from webchats.imports.formats.xlsx_parts import Workbook, damage_refused
from webchats.imports.formats.xlsx_values import DateStyles, SharedStrings, unescape
from webchats.imports.formats.xlsx_xml import XmlParser, strip_prefix
from webchats.imports.rows import FileRefused, Formula

MAX_COLUMNS: Final = 200
_MAX_DIGITS: Final = 7
_LETTERS: Final = re.compile("[A-Za-z]{1,3}")
_FROM_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - sheets have no time zone
_FROM_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001

#: A row: its number from 1, and the texts of its cells by column, from 0.
Row = tuple[int, dict[int, str]]


def read_rows(file: BinaryIO) -> Generator[Row, None, None]:
    """Yield the rows that have a value. Cells with a formula or an error are ``Formula``.

    Raise ``FileRefused`` if the file is not a workbook or is too large.
    """
    with damage_refused():
        workbook = Workbook(file)
        epoch = _FROM_1904 if workbook.has_dates_from_1904 else _FROM_1900
        dates = DateStyles(workbook.open_related("styles"), epoch)
        with (
            closing(SharedStrings(workbook.open_related("sharedStrings"))) as strings,
            workbook.open_first_sheet() as part,
        ):
            sheet = _SheetParser(dates)
            for _ in sheet.parse(part):
                for number, cells in sheet.rows:
                    # Looked up row by row, because a small chunk can refer to long texts.
                    texts = {
                        column: strings[cell] if isinstance(cell, int) else cell
                        for column, cell in cells.items()
                    }
                    yield number, texts
                sheet.rows.clear()


class _SheetParser(XmlParser):
    """Collects rows. Cells contain the index of a shared string instead of its text."""

    def __init__(self, dates: DateStyles) -> None:
        super().__init__()
        #: The rows of the chunk.
        self.rows: list[tuple[int, dict[int, str | int]]] = []
        self._dates = dates
        self._columns: dict[str, int] = {}
        self._number = 0
        self._digits = ""
        self._cells: dict[int, str | int] = {}
        #: The attributes of the cell that is being read.
        self._cell: dict[str, str] | None = None
        self._is_formula = False
        self._is_phonetic = False

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = strip_prefix(name)
        if name == "c":
            self._cell = attributes
            self._is_formula = False
        elif name == "row":
            self._start_row(attributes.get("r"))
        elif self._cell is None:
            # Behind the rows, ``f`` is part of a chart or a rule.
            return
        elif name == "v" or (name == "t" and not self._is_phonetic):
            self.start_text()
        elif name == "f":
            self._is_formula = True
        elif name == "rPh":
            self._is_phonetic = True

    def end_element(self, name: str) -> None:
        if ":" in name:
            name = strip_prefix(name)
        if name in ("v", "t"):
            self.stop_text()
        elif name == "c":
            self._end_cell()
        elif name == "rPh":
            self._is_phonetic = False
        elif name == "row" and self._cells:
            self.rows.append((self._number, self._cells))

    def _start_row(self, number: str | None) -> None:
        if number is not None and not (number.isdecimal() and len(number) <= _MAX_DIGITS):
            raise ValueError(f"a row has the number {number}")
        previous = self._number
        self._number = previous + 1 if number is None else int(number)
        if self._number <= previous:
            raise ValueError(f"row {self._number} is behind row {previous}")
        self._digits = str(self._number)
        self._cells = {}

    def _end_cell(self) -> None:
        text, cell = self.take_text(), self._cell
        self._cell = None
        if cell is None or not (text or self._is_formula):
            return
        column = self._parse_reference(cell.get("r", ""))
        if column in self._cells:
            raise ValueError(f"there are two cells {cell['r']}")
        self._cells[column] = self._read_value(cell, text)

    def _read_value(self, cell: dict[str, str], text: str) -> str | int:
        kind = cell.get("t", "n")
        if self._is_formula or kind == "e":
            return Formula(unescape(text) or "=")
        if kind == "s":
            return int(text)
        if kind == "b":
            return {"1": "true", "0": "false"}.get(text, text)
        if kind == "n":
            return self._format_number(text, cell.get("s"))
        return unescape(text)

    def _format_number(self, text: str, style: str | None) -> str:
        number = float(text)
        try:
            if style is not None and self._dates.has(style):
                return self._dates.format(number)
            return str(int(number)) if number.is_integer() else repr(number)
        except OverflowError:
            return text

    def _parse_reference(self, reference: str) -> int:
        """Return the column, from 0, of a reference such as ``B2`` to a cell of this row."""
        letters = reference.rstrip(string.digits)
        if reference[len(letters) :] != self._digits:
            raise FileRefused(f"Row {self._number} has a cell without a reference such as B2.")
        if letters not in self._columns:
            if not _LETTERS.fullmatch(letters):
                raise FileRefused(f"Row {self._number} has a cell without a reference such as B2.")
            self._columns[letters] = _to_column_index(letters)
        column = self._columns[letters]
        if column >= MAX_COLUMNS:
            raise FileRefused(
                f"The sheet is too large: it has a cell at {reference}. "
                f"The maximum is {MAX_COLUMNS} columns."
            )
        return column


def _to_column_index(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
