"""Limits of a provider's response, so that none occupies the worker's event loop or memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx2

#: Bytes of a response. An answer with a chunk for each of its 4,000 characters has a third of it.
MAX_RESPONSE_BYTES: Final = 4 * 1024 * 1024
#: Bytes of an error that are read.
MAX_ERROR_BYTES: Final = 64 * 1024
#: Characters of ``_STRUCTURE`` in a response, and in one event of it. Parsing takes about ten
#: microseconds for each. A chunk of an answer has about 20.
MAX_STRUCTURE: Final = 200_000
_MAX_EVENT_STRUCTURE: Final = 4_000
_STRUCTURE: Final = (b"\n", b"\r", b",", b"{", b"[")
#: The ends of an event that the SDKs recognize.
_EVENT_ENDS: Final = (b"\n\n", b"\r\r", b"\r\n\r\n")
#: Bytes that are parsed before other tasks have their turn.
_PIECE_BYTES: Final = 4096


class ResponseRefused(httpx2.ReadError):
    """The response is too large."""


class _LimitedStream(httpx2.AsyncByteStream):
    """The body of a response. Iteration raises ``ResponseRefused`` beyond a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream
        self._size = 0
        self._structure = 0
        self._event_structure = 0
        #: The last bytes, which may be the beginning of an event's end.
        self._last = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for start in range(0, len(chunk), _PIECE_BYTES):
                piece = chunk[start : start + _PIECE_BYTES]
                self._add(piece)
                yield piece
                # The SDK parses whole chunks without a pause.
                await asyncio.sleep(0)

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        self._structure += _count_structure(piece)
        text = self._last + piece
        self._last = text[-3:]
        ends = [text.rfind(end) + len(end) for end in _EVENT_ENDS if end in text]
        if ends:
            self._event_structure = _count_structure(text[max(ends) :])
        else:
            self._event_structure += _count_structure(piece)
        if (
            self._size > MAX_RESPONSE_BYTES
            or self._structure > MAX_STRUCTURE
            or self._event_structure > _MAX_EVENT_STRUCTURE
        ):
            raise ResponseRefused("The response is too large.")

    async def aclose(self) -> None:
        await self._stream.aclose()


class _ErrorStream(httpx2.AsyncByteStream):
    """The beginning of an error's body: the status is enough to classify it."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_ERROR_BYTES
        async for chunk in self._stream:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()


def limit(response: httpx2.Response) -> httpx2.Response:
    """Return the response with a limited body, which is not decompressed.

    A compressed one could expand to any size.
    """
    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    headers = response.headers
    headers.pop("content-encoding", None)
    make_stream = _ErrorStream if response.status_code >= 400 else _LimitedStream
    return httpx2.Response(
        response.status_code,
        headers=headers,
        stream=make_stream(stream),
        extensions=response.extensions,
    )


def _count_structure(text: bytes) -> int:
    return sum(map(text.count, _STRUCTURE))
