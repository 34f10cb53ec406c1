"""Files in: each format as a stream of rows."""

import codecs
import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from webchats.imports.columns import KNOWN
from webchats.imports.formats import json as json_rows
from webchats.imports.formats import xlsx
from webchats.imports.formats.encoding import encoding_of
from webchats.imports.formats.formulas import without_guard
from webchats.imports.report import FileRefused
from webchats.imports.row import Row

_DELIMITERS: Final = (",", ";", "\t")
_CHUNK: Final = 1 << 18


@dataclass(slots=True)
class Table:
    """A file's rows. ``header`` is ``None`` where every row names its own columns (JSON);
    ``typed`` says that cells are JSON values and not text."""

    header: list[str] | None
    rows: Iterator[Row]
    typed: bool


def read(file: BinaryIO, format_name: str) -> Table:
    """The rows of ``file``; raises ``FileRefused`` here or while they are read."""
    return _READERS[format_name](file)


def _text(file: BinaryIO) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding_of(file))()
    while chunk := file.read(_CHUNK):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


# --- CSV ---


def _lines(file: BinaryIO) -> Iterator[str]:
    """The lines with their ends, split at ``\\n`` and a lone ``\\r`` only: other separators of
    Unicode are text."""
    rest = ""
    for text in _text(file):
        lines = (rest + text).split("\n")
        rest = lines.pop()
        for line in lines:
            yield line + "\n"
    if rest:
        yield rest


def _delimiter_of(line: str) -> str:
    """The one that makes most known columns of the header."""

    def known(delimiter: str) -> int:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return sum(cell.strip() in KNOWN for cell in cells)

    return max(_DELIMITERS, key=lambda delimiter: (known(delimiter), line.count(delimiter)))


def _read_csv(file: BinaryIO) -> Table:
    lines = _lines(file)
    first = next(lines, "")
    if first.endswith("\r\n") or not first.rstrip("\n").count("\r"):
        source: Iterable[str] = _chain(first, lines)
    else:
        # Line ends of the old Macintosh.
        source = (piece for line in _chain(first, lines) for piece in line.splitlines(True))
        source = iter(source)
        first = next(source, "")
        source = _chain(first, source)
    reader = csv.reader(source, delimiter=_delimiter_of(first), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise FileRefused(f"The header is not CSV: {error}.", 1) from None
    if not any(header):
        raise FileRefused("The file is empty: its first line must name the columns.", 1)
    return Table(header, _csv_rows(reader, header), typed=False)


def _chain(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _csv_rows(reader: Any, header: list[str]) -> Iterator[Row]:
    width = len(header)
    line = reader.line_num + 1
    try:
        for cells in reader:
            if len(cells) == width:
                given = {
                    name: without_guard(cell)
                    for name, cell in zip(header, cells, strict=True)
                    if cell
                }
                if given:
                    yield Row(line, given)
            elif cells:
                yield _ragged(line, header, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        reason = f"The file is not CSV from line {line} on: {error}."
        raise FileRefused(reason, line) from None


def _ragged(line: int, header: list[str], cells: list[str]) -> Row:
    given = {name: without_guard(cell) for name, cell in zip(header, cells, strict=False) if cell}
    broken = f"The row has {len(cells)} cells, the header {len(header)}."
    if extra := cells[len(header) :]:
        broken += f" Too many: {json.dumps(extra, ensure_ascii=False)}."
    return Row(line, given, broken)


# --- XLSX ---


def _read_xlsx(file: BinaryIO) -> Table:
    rows = xlsx.rows(file)
    header = [cell.strip() for cell in next(rows, (0, []))[1]]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise FileRefused("The first sheet is empty: its first row must name the columns.", 1)
    return Table(header, _xlsx_rows(rows, header), typed=False)


def _xlsx_rows(rows: Iterator[tuple[int, list[str]]], header: list[str]) -> Iterator[Row]:
    for number, cells in rows:
        given = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
        if any(cells[len(header) :]):
            reason = "The row has cells beyond the last column of the header."
            yield Row(number, given, reason, "row")
        elif given:
            yield Row(number, given, unit="row")


_READERS: Final[dict[str, Callable[[BinaryIO], Table]]] = {
    "csv": _read_csv,
    "json": lambda file: Table(None, json_rows.of_array(_text(file)), typed=True),
    "ndjson": lambda file: Table(None, json_rows.of_lines(_lines(file)), typed=True),
    "xlsx": _read_xlsx,
}
FORMATS: Final = tuple(_READERS)
