"""The values of cells that are stored outside the sheet: shared strings, and dates by style."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import IO, Final

from webchats.imports.formats.xlsx_xml import XmlParser, strip_prefix
from webchats.imports.rows import FileRefused

MAX_SHARED_STRINGS: Final = 1 << 21
#: Characters of shared strings in all cells together: a small file can repeat a long one.
MAX_REPEATED_LENGTH: Final = 1 << 29
MAX_TEXT_LENGTH: Final = 32_767
_CACHED_STRINGS: Final = 256
#: An escaped character (ECMA-376, part 1, 22.9.2.19).
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
#: The ids of the built-in formats of dates and times (ECMA-376, part 1, 18.8.30).
_BUILT_IN_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_MAX_FORMAT_ID: Final = 0xFFFF
#: The parts of a format that are not placeholders: literal text, padding, colors and conditions.
#: Also unclosed ones, so that the time is proportional to the length.
_LITERALS: Final = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^]]*\]?')
_DATE_PLACEHOLDER: Final = re.compile(r"[dmyhs]", re.IGNORECASE)


def unescape(text: str) -> str:
    """Return a text with its escape sequences decoded. Raise ``FileRefused`` if it is too long."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
        # A character beyond U+FFFF is written as two surrogates.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if len(text) > MAX_TEXT_LENGTH:
        raise FileRefused(f"A cell has more than {MAX_TEXT_LENGTH:,} characters.")
    return text


# --- Shared strings ---


class SharedStrings:
    """The texts that several cells share, by index.

    A temporary database on disk, so that memory does not grow with the file. Close it after use.
    """

    def __init__(self, part: IO[bytes] | None) -> None:
        """Read all texts of the part. Raise ``FileRefused`` if there are too many."""
        # SQLite deletes the database with an empty name when it is closed.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE strings (text TEXT)")
        self._database.execute("BEGIN")
        self._count = 0
        self._repeated = 0
        self._cached = lru_cache(maxsize=_CACHED_STRINGS)(self._text)
        try:
            for texts in _read_strings(part) if part else ():
                self._database.executemany("INSERT INTO strings VALUES (?)", texts)
                self._count += len(texts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Delete the database."""
        self._cached.cache_clear()
        self._database.close()

    def __getitem__(self, index: int) -> str:
        """Return a text. Raise ``IndexError``, or ``FileRefused`` if cells repeat too much text."""
        text = self._cached(index)
        self._repeated += len(text)
        if self._repeated > MAX_REPEATED_LENGTH:
            raise FileRefused("The texts of the sheet are too long in total. Use CSV.")
        return text

    def _text(self, index: int) -> str:
        if not 0 <= index < self._count:
            raise IndexError(f"there is no shared string {index}")
        found = self._database.execute("SELECT text FROM strings WHERE rowid = ?", (index + 1,))
        [text] = found.fetchone()
        return unescape(text)


class _StringsParser(XmlParser):
    """Collects the texts of shared strings. The readings of Asian characters are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str]] = []
        self.count = 0
        self._is_phonetic = False

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = strip_prefix(name)
        if name == "t":
            if not self._is_phonetic:
                self.start_text()
        elif name == "rPh":
            self._is_phonetic = True

    def end_element(self, name: str) -> None:
        if ":" in name:
            name = strip_prefix(name)
        if name == "t":
            self.stop_text()
        elif name == "rPh":
            self._is_phonetic = False
        elif name == "si":
            self.texts.append((self.take_text(),))
            self.count += 1


def _read_strings(part: IO[bytes]) -> Iterator[list[tuple[str]]]:
    parser = _StringsParser()
    for _ in parser.parse(part):
        if parser.count > MAX_SHARED_STRINGS:
            raise FileRefused(f"The workbook has more than {MAX_SHARED_STRINGS:,} texts. Use CSV.")
        yield parser.texts
        parser.texts.clear()


# --- Dates ---


class DateStyles(XmlParser):
    """The styles whose numbers are dates or times. ``epoch`` is the date with the number 0."""

    def __init__(self, part: IO[bytes] | None, epoch: datetime) -> None:
        super().__init__()
        self._epoch = epoch
        self._date_formats = set(_BUILT_IN_DATES)
        # One byte for each style.
        self._is_date = bytearray()
        self._has_styles = False
        for _ in self.parse(part) if part else ():
            pass

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = strip_prefix(name)
        if name == "numFmt":
            format_id = int(attributes["numFmtId"])
            pattern = _LITERALS.sub("", attributes["formatCode"])
            if format_id <= _MAX_FORMAT_ID and _DATE_PLACEHOLDER.search(pattern):
                self._date_formats.add(format_id)
        elif name == "cellXfs":
            self._has_styles = True
        elif name == "xf" and self._has_styles:
            self._is_date.append(int(attributes.get("numFmtId", 0)) in self._date_formats)

    def end_element(self, name: str) -> None:
        if strip_prefix(name) == "cellXfs":
            self._has_styles = False

    def has(self, style: str) -> bool:
        """Return whether a number with this style, the index as text, is a date or a time."""
        index = int(style)
        return 0 <= index < len(self._is_date) and bool(self._is_date[index])

    def format(self, number: float) -> str:
        """Return a date, a time or both in ISO 8601. Raise ``OverflowError``."""
        moment = self._epoch + timedelta(seconds=round(number * 86_400))
        if 0 <= number < 1:
            return moment.time().isoformat()
        return (moment.date() if moment.time() == time() else moment).isoformat()
