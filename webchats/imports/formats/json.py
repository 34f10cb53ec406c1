"""JSON files: an array of objects (``json``), or one object on each line (``ndjson``).

Files are read as a stream, with ``json.JSONDecoder.raw_decode`` for each object. ``ijson`` 3.6
crashes on an integer of 5,000 digits, hangs on deep nesting, accepts duplicate keys and does not
report the line of an error.
"""

import itertools
import json
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, Final, TextIO

from webchat_project.api.parsers import InvalidJSON, object_from
from webchats.imports.formats.encoding import encode, open_text
from webchats.imports.rows import FileRefused, ImportRow, Table

#: The maximum length of an object in characters: more than any webchat has.
MAX_LENGTH: Final = 1 << 20
_CHUNK: Final = 1 << 18
#: Python refuses to convert integers of more than 4,300 digits.
_MAX_DIGITS: Final = 400
_WHITE_SPACE: Final = re.compile(r"[ \t\r\n]*")
#: About the bytes of a value in memory. Those of short ones are many times their characters.
_VALUE_LENGTH: Final = 32


# --- Values ---


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | InvalidJSON:
    """Return the object, or the error instead of raising it: the next rows are still read."""
    try:
        return object_from(pairs)
    except InvalidJSON as error:
        return error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)


def _weigh(text: str, start: int, end: int) -> int:
    """Return about how much memory the values take, as a number of characters.

    Each value of an array or an object follows a comma or a bracket. Those in strings count, too.
    """
    values = sum(text.count(character, start, end) for character in ",[{")
    return end - start + _VALUE_LENGTH * values


def _row(number: int, document: object, length: int, unit: str = "line") -> ImportRow:
    if isinstance(document, dict):
        return ImportRow(number, document, "", unit, length)
    if isinstance(document, InvalidJSON):
        return ImportRow(number, {}, f"Invalid JSON: {document}.", unit, length)
    return ImportRow(number, {"_raw": document}, "Must be a JSON object.", unit, length)


# --- One object on each line ---


@contextmanager
def open_lines(file: BinaryIO) -> Iterator[Table]:
    """Open an NDJSON file. A line that is not an object is a malformed row."""
    with open_text(file) as text:
        yield Table(None, _rows_of_lines(text), is_json=True)


def _rows_of_lines(lines: Iterable[str]) -> Iterator[ImportRow]:
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        if len(line) > MAX_LENGTH:
            yield ImportRow(number, {}, f"The line is longer than {MAX_LENGTH:,} characters.")
            continue
        try:
            yield _row(number, _DECODER.decode(line), _weigh(line, 0, len(line)))
        except (ValueError, RecursionError) as error:
            reason = f"Invalid JSON: {error}."
            yield ImportRow(number, {"_raw": line.rstrip("\r\n")}, reason, length=len(line))


# --- An array ---


@contextmanager
def open_array(file: BinaryIO) -> Iterator[Table]:
    """Open a file with a JSON array.

    Iterating over the rows raises ``FileRefused`` for invalid JSON, because the end of the invalid
    object is unknown.
    """
    with open_text(file) as text:
        yield Table(None, _rows_of_array(text), is_json=True)


def _rows_of_array(text: TextIO) -> Iterator[ImportRow]:
    stream = _Stream(iter(partial(text.read, _CHUNK), ""))
    if stream.next_character() != "[":
        raise FileRefused("The file is not a JSON array of objects.", stream.line)
    stream.skip(1)
    if stream.next_character() == "]":
        stream.skip(1)
    else:
        yield from _items(stream)
    if stream.next_character():
        raise FileRefused("Unexpected content after the JSON array.", stream.line)


def _items(stream: "_Stream") -> Iterator[ImportRow]:
    # Numbered by item, because many programs write the whole array into one line.
    for number in itertools.count(1):
        stream.next_character()
        document, weight = stream.value()
        yield _row(number, document, weight, "item")
        separator = stream.next_character()
        stream.skip(1)
        if separator == "]":
            return
        if separator != ",":
            raise FileRefused(
                "Invalid JSON: expected a comma or the end of the array.", stream.line
            )


class _Stream:
    """Text that is read in chunks, of which one value at a time is in memory."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._text = ""
        self._position = 0
        self.line = 1

    def skip(self, length: int) -> None:
        """Move forward by ``length`` characters."""
        end = self._position + length
        self.line += self._text.count("\n", self._position, end)
        self._position = end

    def next_character(self) -> str:
        """Skip white space and return the character that follows, ``""`` at the end."""
        while True:
            white_space = _WHITE_SPACE.match(self._text, self._position)
            self.skip(white_space.end() - self._position if white_space else 0)
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._read_more():
                return ""

    def value(self) -> tuple[object, int]:
        """Return the JSON value at the current position and its weight, and move to its end."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._position)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._position > MAX_LENGTH or not self._read_more():
                    raise self._refusal(error) from None
                continue
            if end == len(self._text) and self._read_more():
                # A number may continue in the next chunk.
                continue
            weight = _weigh(self._text, self._position, end)
            self.skip(end - self._position)
            return value, weight

    def _refusal(self, error: Exception) -> FileRefused:
        reason, line = str(error), self.line
        if isinstance(error, json.JSONDecodeError):
            reason = error.msg
            line += self._text.count("\n", self._position, error.pos)
        return FileRefused(f"Invalid JSON: {reason}.", line)

    def _read_more(self) -> bool:
        chunk = next(self._chunks, "")
        self._text, self._position = self._text[self._position :] + chunk, 0
        return bool(chunk)


# --- Writing ---

_dumps: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def write_lines(
    columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> Generator[bytes, None, None]:
    """Yield the bytes of an NDJSON file. A cell that is ``...`` is omitted."""
    return encode(f"{document}\n" for document in _documents(columns, rows))


def write_array(
    columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> Generator[bytes, None, None]:
    """Yield the bytes of a JSON array. A cell that is ``...`` is omitted."""
    return encode(_array(_documents(columns, rows)))


def _documents(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in rows:
        cells = zip(columns, row, strict=True)
        yield _dumps({name: value for name, value in cells if value is not ...})


def _array(documents: Iterator[str]) -> Iterator[str]:
    first = next(documents, None)
    if first is None:
        yield "[]\n"
        return
    yield f"[\n{first}"
    for document in documents:
        yield f",\n{document}"
    yield "\n]\n"
