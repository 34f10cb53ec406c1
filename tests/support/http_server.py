"""A server on the loopback interface with prepared responses, which keeps the requests."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread


def http_response(status: int, body: str = "", headers: str = "") -> bytes:
    """Return a response that closes the connection."""
    head = f"HTTP/1.1 {status} Status\r\ncontent-length: {len(body.encode())}\r\n"
    return (
        f"{head}content-type: application/json\r\nconnection: close\r\n{headers}\r\n{body}".encode()
    )


NOT_FOUND = http_response(404, "{}")


class PreparedServer:
    """A server that sends one response after another, to one connection each."""

    def __init__(self, responses: tuple[bytes, ...], ssl_context: ssl.SSLContext | None) -> None:
        self._responses = responses
        self._ssl_context = ssl_context
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.connections = 0
        #: The requests, head and body.
        self.requests: list[str] = []

    def serve(self) -> None:
        """Serve until the socket is closed."""
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            # A client may leave in the middle, or refuse the certificate.
            with suppress(OSError), self._wrap(connection) as stream:
                self._answer(stream)

    def _wrap(self, connection: socket.socket) -> socket.socket:
        if self._ssl_context is None:
            return connection
        return self._ssl_context.wrap_socket(connection, server_side=True)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        received = connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(body) < int(line.partition(b":")[2]):
                    body += connection.recv(65536)
        connection.sendall(self._responses[len(self.requests)])
        self.requests.append((head + b"\r\n\r\n" + body).decode())
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)


@contextmanager
def responding(
    *responses: bytes, ssl_context: ssl.SSLContext | None = None
) -> Iterator[PreparedServer]:
    """Run a server in a thread."""
    server = PreparedServer(responses, ssl_context)
    thread = Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        # Closing a socket does not wake up ``accept``.
        server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()
        thread.join(5)
