"""The encodings of text files: detected from the bytes of an import, UTF-8 in an export."""

import codecs
import io
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, NamedTuple, TextIO

from webchats.imports.rows import FileRefused

#: Bytes per read.
_CHUNK: Final = 1 << 20
#: Characters per yielded chunk, approximately.
_WRITTEN: Final = 1 << 16
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: A UTF-8 character of two or three bytes. Text in Windows-1252 hardly ever contains these bytes.
_UTF8_SEQUENCE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
#: The minimum share of zeros in every other byte of text that is decoded as UTF-16.
_UTF16_ZEROS: Final = 0.6


@contextmanager
def open_text(file: BinaryIO) -> Iterator[TextIO]:
    """Yield the decoded text of ``file`` from its start, with its line endings unchanged.

    Raise ``FileRefused`` if it cannot be decoded.
    """
    text = io.TextIOWrapper(file, encoding=detect_encoding(file), newline="")
    try:
        yield text
    finally:
        # Otherwise the file would be closed together with its decoder.
        text.detach()


def detect_encoding(file: BinaryIO) -> str:
    """Return Python's name of the encoding. Read the whole file and seek to its start.

    A byte order mark decides. Without one, zero bytes indicate UTF-16, and a file that is valid
    UTF-8 is UTF-8. A file without any multi-byte UTF-8 character is Windows-1252, in which nearly
    every byte is valid. Raise ``FileRefused`` with the byte and line for all other files.
    """
    file.seek(0)
    start = file.read(4096)
    encoding = next((name for bom, name in _BOMS if start.startswith(bom)), None)
    encoding = encoding or _utf16_without_bom(start) or "utf-8"
    invalid = _first_invalid_byte(file, encoding)
    if invalid is None:
        return encoding
    if encoding == "utf-8" and not _has_utf8(file):
        invalid_1252 = _first_invalid_byte(file, "cp1252")
        if invalid_1252 is None:
            return "cp1252"
        raise _refusal(invalid_1252, "neither UTF-8 nor Windows-1252")
    raise _refusal(invalid, "not UTF-16" if encoding.startswith("utf-16") else "not UTF-8")


def encode(parts: Iterable[str]) -> Generator[bytes, None, None]:
    """Yield the text in UTF-8, in larger chunks. Surrogates become escape sequences."""
    pending: list[str] = []
    size = 0
    for part in parts:
        pending.append(part)
        size += len(part)
        if size > _WRITTEN:
            yield "".join(pending).encode("utf-8", "backslashreplace")
            pending, size = [], 0
    yield "".join(pending).encode("utf-8", "backslashreplace")


class _InvalidByte(NamedTuple):
    """A byte at which decoding fails. ``value`` is ``None`` if the file ends there."""

    offset: int
    line: int
    value: int | None


def _refusal(byte: _InvalidByte, reason: str) -> FileRefused:
    value = "" if byte.value is None else f" (value 0x{byte.value:02X})"
    message = f"Byte {byte.offset}{value} in line {byte.line} is {reason}. Save the file as UTF-8."
    return FileRefused(message, byte.line)


def _utf16_without_bom(start: bytes) -> str | None:
    """Return the encoding of Latin text in UTF-16, in which every other byte is zero."""
    threshold = len(start) // 2 * _UTF16_ZEROS
    if threshold and start[1::2].count(0) > threshold:
        return "utf-16-le"
    if threshold and start[0::2].count(0) > threshold:
        return "utf-16-be"
    return None


def _first_invalid_byte(file: BinaryIO, encoding: str) -> _InvalidByte | None:
    """Return the first byte that ``encoding`` cannot decode; ``None`` if there is none.

    In this case the file is at its start.
    """
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
            value = data[error.start] if error.start < len(data) else None
            lines += data[: error.start].decode(encoding, "ignore").count("\n")
            return _InvalidByte(offset - pending + error.start, lines + 1, value)
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
