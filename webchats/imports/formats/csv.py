"""CSV files, and the escaping of formulas in their cells.

A spreadsheet may execute a cell that starts with ``=``, ``+``, ``-`` or ``@``, one of their
full-width forms, a tab, a carriage return or a line feed (OWASP, "CSV injection"). The export
prefixes such a string with an apostrophe, and also a string that starts with an apostrophe. The
import removes one apostrophe in front of these characters. Every string therefore survives a round
trip, and a string such as ``'tis`` in a file of another program is not changed.

A spreadsheet whose separator is another one, as in many languages, splits texts at a semicolon, a
tab or a line end. What follows is escaped in the same way, except for ``;-)``.
"""

import csv
import json
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO, Final, Protocol

from webchats.imports.columns import KNOWN, to_cell
from webchats.imports.formats.encoding import encode, open_text
from webchats.imports.rows import FileRefused, Formula, ImportRow, Table

_DELIMITERS: Final = (",", ";", "\t")
#: The number of characters of extra cells that an error quotes.
_MAX_QUOTED: Final = 200
_EXECUTED: Final = frozenset("=+-@\t\r\n＝＋－＠")
_ESCAPED: Final = _EXECUTED | {"'"}
_SPLIT: Final = r"[;\t\r\n][^\S;\t\r\n]*+"
_FORMULA: Final = r"(?=[=+@＝＋－＠]|-(?!\)))"
_BEFORE_FORMULA: Final = re.compile(f"{_SPLIT}'*+{_FORMULA}")
_BEFORE_ESCAPED: Final = re.compile(f"{_SPLIT}'++{_FORMULA}")


# --- Formulas ---


def escape_formula(text: str) -> str:
    """Return ``text`` as a cell that no spreadsheet executes (CSV injection)."""
    text = _BEFORE_FORMULA.sub(r"\g<0>'", text)
    return f"'{text}" if text[:1] in _ESCAPED else text


def unescape_formula(cell: str) -> str:
    """Return the string in a cell; a ``Formula`` if the cell starts with ``=``."""
    if cell[0] == "=":
        return Formula(cell)
    if cell[0] == "'" and cell[1:2] in _ESCAPED:
        cell = cell[1:]
    return _BEFORE_ESCAPED.sub(lambda found: found[0][:-1], cell)


# --- Reading ---


@contextmanager
def open_table(file: BinaryIO) -> Iterator[Table]:
    """Open a CSV file and read its header. Raise ``FileRefused`` if the header is invalid."""
    with open_text(file) as text:
        first = next(text, "")
        reader = csv.reader(chain([first], text), delimiter=_detect_delimiter(first), strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            raise FileRefused(f"Invalid CSV: {error}.", 1) from None
        if not any(header):
            raise FileRefused("The file is empty. Its first line must name the columns.", 1)
        yield Table(header, _rows(reader, header))


def _detect_delimiter(line: str) -> str:
    """Return the delimiter that splits the header into the most known columns."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            cells = []
        return sum(cell.strip() in KNOWN for cell in cells), line.count(delimiter)

    return max(_DELIMITERS, key=score)


class _Reader(Protocol):
    """What ``csv.reader`` returns. Its class has no public name."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...


def _rows(reader: _Reader, header: list[str]) -> Iterator[ImportRow]:
    line = reader.line_num + 1
    try:
        for cells in reader:
            filled: dict[str, object] = {
                name: unescape_formula(cell)
                for name, cell in zip(header, cells, strict=False)
                if cell
            }
            length = sum(map(len, cells))
            if cells and len(cells) != len(header):
                yield ImportRow(line, filled, _wrong_length(header, cells), length=length)
            elif filled:
                yield ImportRow(line, filled, length=length)
            line = reader.line_num + 1
    except csv.Error as error:
        reason = f"Invalid CSV in the row that starts in line {line}: {error}."
        raise FileRefused(reason, line) from None


def _wrong_length(header: list[str], cells: list[str]) -> str:
    reason = f"The row has {len(cells)} cells, but the header has {len(header)}."
    extra = cells[len(header) :]
    if not extra:
        return reason
    quoted = json.dumps([cell[:_MAX_QUOTED] for cell in extra[:_MAX_QUOTED]], ensure_ascii=False)
    if len(quoted) > _MAX_QUOTED:
        quoted = f"{quoted[:_MAX_QUOTED]}…"
    return f"{reason} Extra cells: {quoted}."


# --- Writing ---


class _Echo:
    """A file that returns the written text, as in Django's documentation on CSV."""

    def write(self, text: str) -> str:
        return text


def write(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Generator[bytes, None, None]:
    """Yield the bytes of a CSV file with ``columns`` as its header."""
    writer = csv.writer(_Echo())
    lines = (writer.writerow(map(_to_escaped_cell, row)) for row in chain([columns], rows))
    return encode(lines)


def _to_escaped_cell(value: object) -> str | float:
    return escape_formula(value) if isinstance(value, str) else to_cell(value)
