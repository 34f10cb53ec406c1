"""An ASGI application behind a WSGI server that has a thread for each request.

For the demo, which runs in one process. The library a2wsgi does not notice that a client leaves, so
its streams would stay open.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from queue import Empty, SimpleQueue
from socket import MSG_DONTWAIT, MSG_PEEK, socket
from threading import Thread, local
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.servers.basehttp import WSGIServer

from webchats.conversations.live.application import LiveApplication
from webchats.conversations.live.requests import Message, Scope

#: Seconds between two tests whether the client is still connected.
_PEEK_SECONDS: Final = 1

#: The connection of the request that this thread handles.
_current: Final = local()


class Server(WSGIServer):
    """A development server for many streams."""

    #: The default of 5 refuses connections when many panels open at once.
    request_queue_size = 128

    def finish_request(self, request: Any, client_address: Any) -> None:
        _current.connection = request
        super().finish_request(request, client_address)


class EventLoopThread(Thread):
    """A thread that runs an event loop."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        self.loop.run_forever()


class AsgiInWsgi:
    """A WSGI application that runs requests without a body on the loop of another thread."""

    def __init__(self, application: LiveApplication, loop: asyncio.AbstractEventLoop) -> None:
        self._application = application
        self._loop = loop

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        response = _Response(self._application, _scope_of(environ), self._loop)
        try:
            for message in response.messages(_current.connection):
                if message["type"] == "http.response.start":
                    status = HTTPStatus(message["status"])
                    headers = [
                        (name.decode("latin-1"), value.decode("latin-1"))
                        for name, value in message["headers"]
                    ]
                    start_response(f"{status.value} {status.phrase}", headers)
                elif message["body"]:
                    yield message["body"]
        finally:
            response.disconnect()


class _Response:
    """A running call of the ASGI application."""

    def __init__(
        self, application: LiveApplication, scope: Scope, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._loop = loop
        self._taken = asyncio.Semaphore(1)
        self._is_disconnected = asyncio.Event()
        asyncio.run_coroutine_threadsafe(self._run(application, scope), loop)

    async def _run(self, application: LiveApplication, scope: Scope) -> None:
        try:
            await application(scope, self._receive, self._send)
        finally:
            self._messages.put(None)

    async def _receive(self) -> Message:
        await self._is_disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        """Return when the client has taken the message before, so that a slow one is noticed."""
        await self._taken.acquire()
        self._messages.put(message)

    def messages(self, connection: socket) -> Iterator[Message]:
        """Yield the messages of the application until it returns, or the client disconnects."""
        while True:
            try:
                message = self._messages.get(timeout=_PEEK_SECONDS)
            except Empty:
                if _is_closed(connection):
                    return
                continue
            if message is None:
                return
            yield message
            self._loop.call_soon_threadsafe(self._taken.release)

    def disconnect(self) -> None:
        """Report the disconnect of the client to the application."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._is_disconnected.set)


def _is_closed(connection: socket) -> bool:
    try:
        return connection.recv(1, MSG_PEEK | MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _scope_of(environ: WSGIEnvironment) -> Scope:
    headers = [
        (name[5:].lower().replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
        "client": (environ["REMOTE_ADDR"], 0),
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
    }
