"""The ASGI application that serves ``/live/…``.

It bypasses Django's middleware, and so has a log, metrics, headers, a check of the host and limits
of its own. A request that gets no stream gets an error in the JSON shape of the API.
"""

import asyncio
import logging
import re
from contextlib import suppress
from time import perf_counter
from typing import Final

from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import MethodNotAllowed, NotFound

from organizations.jobs.database import run_query
from webchat_project.api.exceptions import Unavailable
from webchat_project.observability.context import REQUEST_ID_HEADER, RequestContext, current_request
from webchat_project.observability.request_log import log_request
from webchats.conversations.live.access import open_organization_stream, open_visitor_stream
from webchats.conversations.live.hub import Hub
from webchats.conversations.live.metrics import ENDED, STREAMS
from webchats.conversations.live.requests import (
    BadRequest,
    Headers,
    Receive,
    Scope,
    Send,
    StreamRequest,
    check_https,
    error_content,
    send_body,
    send_end,
    send_start,
)
from webchats.conversations.live.streams import ERROR, Stream

logger = logging.getLogger("live")

VISITOR_ROUTE: Final = "/live/widget/<str:webchat_id>"
ORGANIZATION_ROUTE: Final = "/live/organization"
_UNKNOWN_ROUTE: Final = "(unknown)"
_VISITOR_PATH: Final = re.compile(r"/live/widget/([^/]+)")
#: Requests for streams that are checked at a time: half a second. After an outage all clients
#: return at once. They give up after five seconds, and longer waits would be wasted work.
MAX_OPENING: Final = 200
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STREAM_HEADERS: Final[Headers] = [
    ("Content-Type", "text/event-stream; charset=utf-8"),
    # Proxies must not store, compress or buffer the stream.
    ("Cache-Control", "no-store, no-transform"),
    ("X-Accel-Buffering", "no"),
]
_ERROR_HEADERS: Final[Headers] = [
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
]


class LiveApplication:
    """Streams of server-sent events. ``headers`` are added to every response."""

    def __init__(self, hub: Hub, headers: Headers) -> None:
        self.hub = hub
        self._headers = headers
        self._opening = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = StreamRequest(scope)
        context = RequestContext.from_meta(request.META)
        token = current_request.set(context)
        headers = [*self._headers, (REQUEST_ID_HEADER, context.request_id)]
        try:
            stream = await self._begin(request, headers, send)
            if stream is not None:
                serving = self._serve(stream, headers, receive, send)
                # Not kept for the lifetime of the stream. The server keeps the scope.
                del request, context, headers
                scope.clear()
                await serving
        finally:
            current_request.reset(token)

    async def _begin(self, request: StreamRequest, headers: Headers, send: Send) -> Stream | None:
        """Return a registered stream, or send an error. Either is logged."""
        started = perf_counter()
        status = 200
        stream = None
        try:
            stream = await self._open(request)
        except Exception as error:  # noqa: BLE001 - returned as a response, or logged
            status = await _send_error(request, error, headers, send)
        method = str(request.method) if request.method in _METHODS else "OTHER"
        log_request(method, _route_of(request.path), status, perf_counter() - started)
        return stream

    async def _open(self, request: StreamRequest) -> Stream:
        """Return a registered stream, or raise the exception of an error response."""
        request.get_host()
        check_https(request)
        if self.hub.is_closing:
            raise Unavailable
        match = _VISITOR_PATH.fullmatch(request.path)
        if match is None and request.path != ORGANIZATION_ROUTE:
            raise NotFound("Not found.")
        if request.method != "GET":
            raise MethodNotAllowed(str(request.method))
        if self._opening >= MAX_OPENING:
            raise Unavailable
        self._opening += 1
        try:
            if match is None:
                return await open_organization_stream(self.hub, request)
            return await open_visitor_stream(self.hub, request, match[1])
        finally:
            self._opening -= 1

    async def _serve(self, stream: Stream, headers: Headers, receive: Receive, send: Send) -> None:
        """Send the events of a registered stream until it ends."""
        started = perf_counter()
        STREAMS.labels(stream.kind).inc()
        try:
            await send_start(send, 200, [*_STREAM_HEADERS, *headers])
            del headers
            await stream.run(receive, send)
        except asyncio.CancelledError:
            if stream.ended is None:
                raise
        except OSError:  # the client has disconnected
            stream.disconnect()
        finally:
            self.hub.remove(stream)
            reason = stream.ended or ERROR
            STREAMS.labels(stream.kind).dec()
            ENDED.labels(stream.kind, reason).inc()
            seconds = round(perf_counter() - started, 1)
            fields = {"kind": stream.kind, "reason": reason, "seconds": seconds}
            logger.info("stream ended", extra={"fields": fields})


def _route_of(path: str) -> str:
    if _VISITOR_PATH.fullmatch(path):
        return VISITOR_ROUTE
    return path if path == ORGANIZATION_ROUTE else _UNKNOWN_ROUTE


async def _send_error(
    request: StreamRequest, error: Exception, headers: Headers, send: Send
) -> int:
    """Send the response for an exception and return its status."""
    if isinstance(error, SuspiciousOperation):  # a host that is not allowed
        error = BadRequest()
    if isinstance(error, Unavailable):  # reads nothing, and must not wait
        status, own, body = error_content(request, error)
    else:
        status, own, body = await run_query(error_content, request, error)
    own = [*own, ("Content-Length", str(len(body)))]
    if isinstance(error, MethodNotAllowed):
        own.append(("Allow", "GET"))
    with suppress(OSError):
        await send_start(send, status, [*_ERROR_HEADERS, *headers, *own])
        await send_body(send, body)
        await send_end(send)
    return status
