"""Files out: each format as a stream of bytes."""

import csv
import errno
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import xlsxwriter

from webchats.imports.formats.formulas import with_guard

Rows = Iterable[Sequence[Any]]

#: About so many bytes are handed over at once.
_CHUNK: Final = 1 << 16
#: A workbook says when it was made; the same rows are to give the same bytes.
_MADE: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
#: A sheet's own limits: what is beyond, the library would leave out in silence.
_LONGEST_CELL: Final = 32_767
_MOST_ROWS: Final = 1_048_575
#: Above this a workbook's bytes are in a temporary file and not in memory.
_IN_MEMORY: Final = 8 * 1024 * 1024

CONTENT_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write(format_name: str, columns: Sequence[str], rows: Rows) -> Iterator[bytes]:
    """The bytes of a file with these rows."""
    return _WRITERS[format_name](columns, rows)


def cell_of(value: Any) -> Any:
    """A value as text (or a number) in a sheet's cell."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return " ".join(value)
    if isinstance(value, int | float):
        return value
    return json.dumps(value, ensure_ascii=False)


def _csv(columns: Sequence[str], rows: Rows) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([with_guard(name) for name in columns])
    for row in rows:
        cells = [with_guard(value) if isinstance(value, str) else cell_of(value) for value in row]
        writer.writerow(cells)
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode("utf-8", "backslashreplace")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "backslashreplace")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _documents(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """Each row as JSON; a cell that is absent (``...``) is left out."""
    for row in rows:
        yield _encode({n: v for n, v in zip(columns, row, strict=True) if v is not ...})


def _chunked(pieces: Iterable[str]) -> Iterator[bytes]:
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > _CHUNK:
            yield "".join(held).encode("utf-8", "backslashreplace")
            held, size = [], 0
    yield "".join(held).encode("utf-8", "backslashreplace")


def _ndjson(columns: Sequence[str], rows: Rows) -> Iterator[bytes]:
    return _chunked(document + "\n" for document in _documents(columns, rows))


def _json(columns: Sequence[str], rows: Rows) -> Iterator[bytes]:
    def pieces() -> Iterator[str]:
        separator = "[\n"
        for document in _documents(columns, rows):
            yield separator + document
            separator = ",\n"
        yield "[]\n" if separator == "[\n" else "\n]\n"

    return _chunked(pieces())


def _xlsx(columns: Sequence[str], rows: Rows) -> Iterator[bytes]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        # Closed also where the rows fail: it has a temporary file of its own.
        with xlsxwriter.Workbook(
            file,
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
        ) as book:
            _fill(book, columns, rows)
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _fill(book: Any, columns: Sequence[str], rows: Rows) -> None:
    book.set_properties({"created": _MADE})
    sheet = book.add_worksheet("webchats")
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, bold)
    for number, row in enumerate(rows, 1):
        if number > _MOST_ROWS:
            reason = f"A sheet has room for {_MOST_ROWS:,} rows. Write another format"
            raise OSError(errno.EFBIG, reason)
        for column, value in enumerate(row):
            _write_cell(sheet, number, column, value)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
        return
    value = cell_of(value)
    if isinstance(value, str):
        # An empty cell means "not given", which an empty string in a cell would mean too.
        if value:
            # (No good value is as long: this is of a row that was refused.)
            sheet.write_string(row, column, value[:_LONGEST_CELL])
    else:
        sheet.write_number(row, column, value)


_WRITERS: Final[dict[str, Callable[[Sequence[str], Rows], Iterator[bytes]]]] = {
    "csv": _csv,
    "json": _json,
    "ndjson": _ndjson,
    "xlsx": _xlsx,
}
