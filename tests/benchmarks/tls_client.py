"""A visitor's stream over TLS, by HTTP/1.1 or by HTTP/2 with a connection of its own."""

import asyncio
import ssl
from typing import Final, cast

from tests.deployment.service import HOST

#: Caddy's own authority signs the certificate. The handshake costs the proxy the same.
_CONTEXTS: Final = {name: ssl._create_unverified_context() for name in ("http/1.1", "h2")}
for _name, _context in _CONTEXTS.items():
    _context.set_alpn_protocols([_name])

#: Types of frames, their flags, and the head of a response with the status 200 (RFC 9113, 7541).
_HEADERS: Final = 1
_SETTINGS: Final = 4
_ACKNOWLEDGED: Final = 1
_END_OF_STREAM_AND_HEADERS: Final = 5
_STATUS_200: Final = 0x88
_FRAME: Final = 9


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


def _integer(value: int) -> bytes:
    """Return a length of HPACK, with a prefix of seven bits."""
    if value < 127:
        return bytes([value])
    value -= 127
    encoded = b"\x7f"
    while value >= 128:
        encoded += bytes([value % 128 + 128])
        value //= 128
    return encoded + bytes([value])


class TlsClient(asyncio.Protocol):
    """One stream. ``opened`` is done when the response has begun with 200."""

    transport: asyncio.Transport

    def __init__(self, path: str, token: str, protocol: str) -> None:
        self._path, self._token, self._protocol = path, token, protocol
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_lost = False
        self._received = b""

    @classmethod
    async def connect(cls, port: int, path: str, token: str, protocol: str) -> "TlsClient":
        """Return a client whose stream is open. ``protocol`` is that of ALPN, or ``http``."""
        context = _CONTEXTS.get(protocol)
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: cls(path, token, protocol),
            "127.0.0.1",
            port,
            ssl=context,
            server_hostname=HOST if context else None,
            ssl_handshake_timeout=60 if context else None,
        )
        async with asyncio.timeout(60):
            await client.opened
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self.transport = cast("asyncio.Transport", transport)
        is_h2 = self._protocol == "h2"
        self.transport.write(self._h2_request() if is_h2 else self._request())

    def data_received(self, data: bytes) -> None:
        """Look for the head of the response."""
        if self._protocol == "h2":
            self._read_frames(data)
        elif not self.opened.done():
            self._begin(is_ok=b" 200 " in data[:20], data=data)

    def connection_lost(self, error: Exception | None) -> None:
        """Report a connection that ended."""
        self.is_lost = True
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed"))

    def _begin(self, *, is_ok: bool, data: bytes) -> None:
        if is_ok:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(ConnectionError(data[:200]))

    def _request(self) -> bytes:
        return (
            f"GET {self._path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {self._token}\r\n\r\n"
        ).encode()

    def _h2_request(self) -> bytes:
        fields = {
            ":method": "GET",
            ":scheme": "https",
            ":authority": HOST,
            ":path": self._path,
            "accept": "text/event-stream",
            "authorization": f"Bearer {self._token}",
        }
        encoded = b"".join(
            b"\0" + b"".join(_integer(len(text)) + text.encode() for text in pair)
            for pair in fields.items()
        )
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0)
        return preface + _frame(_HEADERS, _END_OF_STREAM_AND_HEADERS, 1, encoded)

    def _read_frames(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= _FRAME:
            end = _FRAME + int.from_bytes(self._received[:3], "big")
            if len(self._received) < end:
                return
            kind, flags = self._received[3], self._received[4]
            payload, self._received = self._received[_FRAME:end], self._received[end:]
            if kind == _SETTINGS and not flags & _ACKNOWLEDGED:
                self.transport.write(_frame(_SETTINGS, _ACKNOWLEDGED, 0))
            elif kind == _HEADERS and not self.opened.done():
                # Before the status may be updates of the table's size, which begin with 001.
                status = payload.lstrip(bytes(range(0x20, 0x40)))[:1]
                self._begin(is_ok=status == bytes([_STATUS_200]), data=payload)
