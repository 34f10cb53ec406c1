"""Files in: each format as a stream of rows."""

import codecs
import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, TextIO

import ijson

from webchats.transfer import xlsx
from webchats.transfer.charset import encoding_of
from webchats.transfer.columns import KNOWN, Formula
from webchats.transfer.formulas import without_guard
from webchats.transfer.report import FileRefused

_DELIMITERS: Final = (",", ";", "\t")
#: The longest line of NDJSON in characters: far above any document, far below the memory.
_LONGEST_LINE: Final = 1 << 20


@dataclass(slots=True)
class Row:
    """One row as it stands in the file. ``cells`` holds what is given: a sheet's empty cells are
    not. ``broken`` says why the row could not be taken apart."""

    line: int
    cells: dict[str, Any]
    broken: str = ""


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


def _text_of(file: BinaryIO) -> TextIO:
    encoding = encoding_of(file)
    # Not TextIOWrapper: that would close the caller's file.
    stream: Any = codecs.getreader(encoding)(file)
    return stream  # type: ignore[no-any-return]


# --- CSV ---


def _lines(file: BinaryIO) -> Iterator[str]:
    """The lines with their ends, split at ``\\n`` and a lone ``\\r`` only: other separators of
    Unicode are text."""
    decoder = codecs.getincrementaldecoder(encoding_of(file))()
    rest = ""
    while chunk := file.read(1 << 18):
        lines = (rest + decoder.decode(chunk)).split("\n")
        rest = lines.pop()
        for line in lines:
            yield line + "\n"
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


def _delimiter_of(line: str) -> str:
    """The one that makes most known columns of the header."""

    def known(delimiter: str) -> int:
        cells = next(csv.reader([line], delimiter=delimiter), [])
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


# --- JSON ---


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODE: Final = json.JSONDecoder(
    object_pairs_hook=_object_of, parse_constant=_refuse_constant
).decode


def _read_ndjson(file: BinaryIO) -> Table:
    return Table(None, _ndjson_rows(_lines(file)), typed=True)


def _ndjson_rows(lines: Iterable[str]) -> Iterator[Row]:
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        if len(text) > _LONGEST_LINE:
            yield Row(number, {}, f"The line is longer than {_LONGEST_LINE:,} characters.")
            continue
        try:
            document = _DECODE(text)
        except (ValueError, RecursionError) as error:
            yield Row(number, {"_raw": text.rstrip("\n")}, f"The line is not valid JSON: {error}.")
            continue
        yield _document(number, document)


def _document(number: int, document: Any) -> Row:
    if isinstance(document, dict):
        return Row(number, document)
    return Row(number, {"_raw": document}, "It is not a JSON object.")


class _Utf8:
    """The file's text in UTF-8, whatever it was written in."""

    def __init__(self, text: TextIO) -> None:
        self.text = text

    def read(self, size: int = -1) -> bytes:
        """At least one byte, until the end."""
        return self.text.read(size).encode()


def _read_json(file: BinaryIO) -> Table:
    encoding = encoding_of(file)
    source: Any = file
    if encoding != "utf-8":
        source = _Utf8(_text_of(file))
    return Table(None, _json_rows(source), typed=True)


def _json_rows(source: Any) -> Iterator[Row]:
    number = 0
    try:
        events = ijson.basic_parse(source)
        if next(events, None) != ("start_array", None):
            raise FileRefused("The file is not a JSON array of objects.", 1)
        for number, document in enumerate(_items(events), 1):
            yield _document(number, document)
    except (ijson.JSONError, ValueError, OverflowError) as error:
        sentence = str(error).strip().splitlines()[0]
        raise FileRefused(f"The file is not valid JSON after item {number}: {sentence}.") from None


def _items(events: Any) -> Iterator[Any]:
    """The array's items, one at a time."""
    builder, depth = ijson.ObjectBuilder(), 0
    for event, value in events:
        if depth == 0 and event == "end_array":
            continue
        builder.event(event, value)
        depth += {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}.get(event, 0)
        if depth == 0:
            yield builder.value
            builder = ijson.ObjectBuilder()


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
            yield Row(number, given, "The row has cells beyond the last column of the header.")
        elif given:
            yield Row(number, given)


_READERS: Final[dict[str, Callable[[BinaryIO], Table]]] = {
    "csv": _read_csv,
    "json": _read_json,
    "ndjson": _read_ndjson,
    "xlsx": _read_xlsx,
}
FORMATS: Final = tuple(_READERS)

__all__ = ["FORMATS", "Formula", "Row", "Table", "read"]
