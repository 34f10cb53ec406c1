"""The health checks and metrics of a worker, over HTTP in a thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

_HEALTH_PATH: Final = "/healthz"
_PATHS: Final = frozenset({_HEALTH_PATH, "/readyz", "/metrics"})


@contextmanager
def serving_status(
    host: str, port: int, is_alive: Callable[[], bool]
) -> Iterator[ThreadedWSGIServer]:
    """Serve ``/healthz``, ``/readyz`` and ``/metrics``. Raise ``OSError`` if the port is taken.

    ``/healthz`` returns 503 while ``is_alive`` returns ``False``.
    """
    server = ThreadedWSGIServer((host, port), WSGIRequestHandler, ipv6=":" in host)
    server.set_app(_limit_paths(get_wsgi_application(), is_alive))
    thread = Thread(target=server.serve_forever, name="status", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _limit_paths(django: WSGIApplication, is_alive: Callable[[], bool]) -> WSGIApplication:
    """Return an application that serves nothing else: the server is not meant for clients."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> "Iterator[bytes]":
        path = environ["PATH_INFO"]
        status = "404 Not Found"
        if path in _PATHS and (path != _HEALTH_PATH or is_alive()):
            return iter(django(environ, start_response))
        if path == _HEALTH_PATH:
            status = "503 Service Unavailable"
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return iter(())

    return application
