"""The request log: one line per request, with the name of its route in place of the path."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from time import perf_counter
from typing import Protocol

from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject

from webchat_project.observability.context import REQUEST_ID_HEADER, RequestContext, current_request
from webchat_project.observability.metrics import count_request
from webchat_project.observability.security_log import SecurityEvent, log_event

logger = logging.getLogger("request")

_UNKNOWN_ROUTE = "(unknown)"
_STATIC_ROUTE = "(static)"
#: Requests of monitoring, every few seconds. Logged at the level DEBUG.
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", _STATIC_ROUTE})
#: The key in ``META`` of a refused request.
_REFUSED = "is_refused"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _User(Protocol):
    @property
    def pk(self) -> str: ...

    @property
    def organization_id(self) -> str | None: ...


class RequestLogMiddleware:
    """Logs each request and sets its context for other records. Must be the first middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        context = RequestContext.from_meta(request.META)
        token = current_request.set(context)
        try:
            response = self.get_response(request)
            response.headers[REQUEST_ID_HEADER] = context.request_id
            if isinstance(response, StreamingHttpResponse) and _is_iterated(response):
                response.streaming_content = _LoggedStream(response, request, context, started)
            else:
                _log(request, response.status_code, started)
        except BaseException:
            # Django returns a response for every exception that does not end the process.
            _log(request, 500, started)
            raise
        finally:
            current_request.reset(token)
        return response


def _is_iterated(response: StreamingHttpResponse) -> bool:
    """Return whether the WSGI server iterates over the content, so that its end can be logged.

    The server may send a file without iterating over it.
    """
    return not isinstance(response, FileResponse) and not response.is_async


class _LoggedStream:
    """The content of a streaming response, which logs the request when it ends."""

    def __init__(
        self,
        response: StreamingHttpResponse,
        request: HttpRequest,
        context: RequestContext,
        started: float,
    ) -> None:
        chunks = response.streaming_content
        assert isinstance(chunks, Iterable)  # not async
        self._chunks = iter(chunks)
        self._status = response.status_code
        self._request: HttpRequest | None = request
        self._context = context
        self._started = started

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = current_request.set(self._context)
        try:
            return next(self._chunks)
        except BaseException as error:
            # The status has been sent, but an interrupted stream is logged as an error.
            self._end(self._status if isinstance(error, StopIteration) else 500)
            raise
        finally:
            current_request.reset(token)

    def close(self) -> None:
        """Log a stream that was not read to its end. Called by the server."""
        token = current_request.set(self._context)
        self._end(self._status)
        current_request.reset(token)

    def _end(self, status: int) -> None:
        if self._request is not None:
            _log(self._request, status, self._started)
            self._request = None


def _log(request: HttpRequest, status: int, started: float) -> None:
    seconds = perf_counter() - started
    method = request.method if request.method in _METHODS else "OTHER"
    route = _get_route(request)
    user = known_user(request)
    if status == 403 and user is not None:
        log_event(SecurityEvent.FORBIDDEN, user=user.pk, route=route)
    log_request(str(method), route, status, seconds, user, is_refused=_REFUSED in request.META)


def mark_refused(request: HttpRequest) -> None:
    """Log and count the request as refused, to serve others, and not as an error."""
    request.META[_REFUSED] = True


def log_request(
    method: str,
    route: str,
    status: int,
    seconds: float,
    user: _User | None = None,
    *,
    is_refused: bool = False,
) -> None:
    """Log and count the current request.

    ``method`` and ``route`` are labels of metrics and must not contain text that a client sent.
    """
    level = logging.ERROR if status >= 500 else logging.INFO
    if is_refused:
        level = logging.WARNING
    if route in _QUIET_ROUTES:
        level = logging.DEBUG
    if logger.isEnabledFor(level):
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "user": user.pk if user else None,
            "organization": user.organization_id if user else None,
        }
        logger.log(level, "request", extra={"fields": fields})
    if settings.METRICS_TOKEN:
        count_request(method, route, "refused" if is_refused else f"{status // 100}xx", seconds)


def known_user(request: HttpRequest) -> _User | None:
    """Return the request's user if it has been loaded, without a query."""
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)  # set when the lazy object is evaluated
    return user if user is not None and user.is_authenticated else None


def _get_route(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None and _REFUSED in request.META:
        with suppress(Resolver404):
            match = resolve(request.path_info)
    if match is not None:
        return route_name(match.route)
    if request.path_info in _QUIET_ROUTES:  # The response is from a middleware.
        return request.path_info
    return _STATIC_ROUTE if request.path_info.startswith(settings.STATIC_URL) else _UNKNOWN_ROUTE


@cache
def route_name(route: str) -> str:
    """Return a readable form of a route of the URLconf, such as ``/api/webchats/<pk>``."""
    return simplify_regex(route)
