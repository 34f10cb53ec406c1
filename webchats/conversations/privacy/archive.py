"""A ZIP archive that is written while it is sent: no more than one part of it is in memory."""

import zipfile
from collections.abc import Iterable, Iterator
from typing import Final

#: Bytes that are collected before they are sent.
_CHUNK: Final = 64 * 1024

#: The name of a file, and its text in parts.
File = tuple[str, Iterable[str]]


class _Sink:
    """The archive's bytes that were not sent yet. It cannot seek, as ``zipfile`` finds out."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts, self.size = [], 0
        return data


def write_archive(files: Iterable[File]) -> Iterator[bytes]:
    """Yield the bytes of a ZIP archive of the files. Their texts are encoded as UTF-8."""
    sink = _Sink()
    # Any object with the method ``write`` will do.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, texts in files:
            with archive.open(name, "w") as file:
                for text in texts:
                    file.write(text.encode())
                    if sink.size >= _CHUNK:
                        yield sink.take()
    yield sink.take()
