"""JSON in: documents in an array, or one on each line, as a stream."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from webchats.imports.report import FileRefused
from webchats.imports.row import Row

#: The longest document in characters: far above any webchat, far below the memory.
LONGEST: Final = 1 << 20
_LONGEST_NUMBER: Final = 400
_BLANK: Final = re.compile(r"[ \t\r\n]*")


class _Broken:
    """Stands for an object that cannot be trusted; no column takes it for a value."""

    reason = "a name stands twice in one object"


def _object_of(pairs: list[tuple[str, Any]]) -> Any:
    document = dict(pairs)
    # Of a name that stands twice every reader takes another value.
    return document if len(document) == len(pairs) else _Broken()


def _integer(digits: str) -> int | float:
    # Beyond, Python refuses to convert; no number of ours is that long.
    return int(digits) if len(digits) <= _LONGEST_NUMBER else float("inf")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object_of, parse_int=_integer)


def _row(number: int, document: Any, unit: str = "line") -> Row:
    if isinstance(document, dict):
        return Row(number, document, unit=unit)
    if isinstance(document, _Broken):
        return Row(number, {}, f"The object is not valid JSON: {document.reason}.", unit)
    return Row(number, {"_raw": document}, "It is not a JSON object.", unit)


def of_lines(lines: Iterable[str]) -> Iterator[Row]:
    """The rows of NDJSON: a line that is no document is a bad row."""
    for number, text in enumerate(lines, 1):
        if text.isspace():
            continue
        if len(text) > LONGEST:
            yield Row(number, {}, f"The line is longer than {LONGEST:,} characters.")
            continue
        try:
            yield _row(number, _DECODER.decode(text))
        except (ValueError, RecursionError) as error:
            broken = f"The line is not valid JSON: {error}."
            yield Row(number, {"_raw": text.rstrip("\n")}, broken)


def of_array(chunks: Iterator[str]) -> Iterator[Row]:
    """The rows of a JSON array, which is never in memory as a whole.

    What is no JSON refuses the file: nothing says where the next document would begin.
    """
    text = _Text(chunks)
    if text.next_character() != "[":
        raise FileRefused("The file is not a JSON array of objects.", text.line)
    text.skip(1)
    if text.next_character() == "]":
        text.skip(1)
    else:
        # Not by lines: many a program writes all of it into one.
        for number in itertools.count(1):
            text.next_character()
            yield _row(number, text.document(), "item")
            separator = text.next_character()
            text.skip(1)
            if separator == "]":
                break
            if separator != ",":
                raise FileRefused("The JSON array has no comma or end here.", text.line)
    if text.next_character():
        raise FileRefused("Something follows the JSON array.", text.line)


class _Text:
    """A text of which only a part is in memory, read from the front."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._held = ""
        self._at = 0
        self.line = 1

    def skip(self, length: int) -> None:
        """Pass over so many characters."""
        end = self._at + length
        self.line += self._held.count("\n", self._at, end)
        self._at = end

    def next_character(self) -> str:
        """The next one that is not blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._held, self._at)
            self.skip(blank.end() - self._at if blank else 0)
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def document(self) -> Any:
        """The document that begins here."""
        while True:
            try:
                found, end = _DECODER.raw_decode(self._held, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._held) - self._at > LONGEST or not self._more():
                    message = getattr(error, "msg", str(error))
                    reason = f"The file is not valid JSON: {message}."
                    line = self.line + self._held.count("\n", self._at, getattr(error, "pos", 0))
                    raise FileRefused(reason, line) from None
                continue
            if end == len(self._held) and self._more():
                # A number may go on.
                continue
            self.skip(end - self._at)
            return found

    def _more(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._held, self._at = self._held[self._at :] + chunk, 0
                return True
        return False
