"""Which encoding is a text file in? Told apart by evidence, or refused with the byte and line."""

import codecs
import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO, Final

from webchats.imports.report import FileRefused

_CHUNK: Final = 1 << 20
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: A character of two or three bytes in UTF-8: in a Windows-1252 text a chance of next to nothing.
_UTF8_SEQUENCE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")


@dataclass(frozen=True, slots=True)
class Undecodable:
    """The first byte that an encoding does not have."""

    offset: int
    line: int
    byte: int


def digest_of(file: BinaryIO) -> str:
    """The SHA-256 of the whole file, which is then back at its start."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def encoding_of(file: BinaryIO) -> str:
    """Python's name of the file's encoding; reads all of it and returns to the start.

    A byte order mark decides; without one UTF-16 shows in its zero bytes, and UTF-8 in that every
    byte is valid. Windows-1252 (nearly every byte is valid) is believed only of a file that has
    no character of UTF-8 at all. Raises ``FileRefused``.
    """
    file.seek(0)
    start = file.read(4096)
    encoding = next((name for bom, name in _BOMS if start.startswith(bom)), None)
    encoding = encoding or _utf16_without_mark(start) or "utf-8"
    wrong = _first_undecodable(file, encoding)
    if wrong is None:
        return encoding
    if encoding == "utf-8" and not _has_utf8(file):
        wrong_1252 = _first_undecodable(file, "cp1252")
        if wrong_1252 is None:
            return "cp1252"
        raise _refusal(wrong_1252, "neither UTF-8 nor Windows-1252")
    raise _refusal(wrong, "not UTF-16" if encoding.startswith("utf-16") else "not UTF-8")


def _refusal(wrong: Undecodable, what: str) -> FileRefused:
    value = f" (value 0x{wrong.byte:02X})" if wrong.byte >= 0 else ""
    reason = f"Byte {wrong.offset}{value} in line {wrong.line} is {what}. Save the file as UTF-8."
    return FileRefused(reason, wrong.line)


def _utf16_without_mark(start: bytes) -> str | None:
    """Latin text in UTF-16 has a zero in every other byte; a lone NUL in UTF-8 is only a NUL."""
    half = len(start) // 2
    if half and start[1::2].count(0) > half * 0.6:
        return "utf-16-le"
    if half and start[0::2].count(0) > half * 0.6:
        return "utf-16-be"
    return None


def _first_undecodable(file: BinaryIO, encoding: str) -> Undecodable | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    offset, lines = 0, 0
    while True:
        chunk = file.read(_CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            data = bytes(error.object)
            bad = data[error.start : error.start + 1]
            before = data[: error.start].decode(encoding, "ignore").count("\n")
            place = offset - pending + error.start
            return Undecodable(place, lines + before + 1, bad[0] if bad else -1)
        if not chunk:
            file.seek(0)
            return None
        lines += text.count("\n")
        offset += len(chunk)


def _has_utf8(file: BinaryIO) -> bool:
    file.seek(0)
    tail = b""
    while chunk := file.read(_CHUNK):
        if _UTF8_SEQUENCE.search(tail + chunk):
            return True
        tail = chunk[-2:]
    return False
