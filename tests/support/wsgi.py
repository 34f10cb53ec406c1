"""Requests as a server program makes them, through the whole of the WSGI application."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from webchat_project.wsgi import application


class Answer(NamedTuple):
    """What the application answered."""

    status: str
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def unnumbered(self) -> "Answer":
        """Without the one header that is each answer's own."""
        rest = {name: value for name, value in self.headers.items() if name != "X-Request-ID"}
        return self._replace(headers=rest)


def ask(path: str, method: str = "GET", scheme: str = "http", **headers: str) -> Answer:
    """The answer to a request with these headers, named as in Python."""
    said: list[Any] = []
    environ = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    environ |= {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.url_scheme": scheme}
    environ["REMOTE_ADDR"] = "192.0.2.1"
    environ.setdefault("HTTP_HOST", "testserver")
    setup_testing_defaults(environ)
    with _open_connections():
        body: Any = application(environ, lambda *heads: said.extend(heads))  # type: ignore[arg-type]
        answer = Answer(said[0], dict(said[1]), b"".join(body))
        getattr(body, "close", lambda: None)()
    return answer


@contextmanager
def _open_connections() -> Iterator[None]:
    """Django closes a connection that is inside a transaction, as the test's is."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
