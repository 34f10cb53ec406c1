"""Requests to the complete WSGI application.

``django.test.Client`` calls Django's handler and so skips the response cache, which
``webchat_project.wsgi`` adds.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from webchat_project.wsgi import application


class Response(NamedTuple):
    """The response of the application. ``status`` is the status line, such as ``200 OK``."""

    status: str
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The decoded JSON body."""
        return json.loads(self.body)

    @property
    def without_request_id(self) -> "Response":
        """The response without the header ``X-Request-ID``, which differs in each response."""
        headers = {name: value for name, value in self.headers.items() if name != "X-Request-ID"}
        return self._replace(headers=headers)


def request(
    path: str,
    method: str = "GET",
    scheme: str = "http",
    *,
    body: bytes = b"",
    content_type: str = "",
    **headers: str,
) -> Response:
    """Return the response to a request. ``path`` may have a query string.

    Headers are keyword arguments in lower case with underscores: ``if_none_match="…"``.
    """
    path, _, query_string = path.partition("?")
    environ: dict[str, Any] = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    environ |= {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query_string,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": scheme,
        "REMOTE_ADDR": "192.0.2.1",
    }
    environ.setdefault("HTTP_HOST", "testserver")
    setup_testing_defaults(environ)
    started: list[tuple[str, list[tuple[str, str]]]] = []
    with _open_connections():
        chunks: Any = application(
            environ,
            lambda status, headers: started.append((status, headers)),  # type: ignore[arg-type]
        )
        content = b"".join(chunks)
        getattr(chunks, "close", lambda: None)()
    [(status, response_headers)] = started
    return Response(status, dict(response_headers), content)


@contextmanager
def _open_connections() -> Iterator[None]:
    """Keep the database connection open: Django would close one within a test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
