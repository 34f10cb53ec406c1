"""One line for each request, and the request's id on everything that is logged meanwhile."""

import logging
from collections.abc import Callable, Iterator
from functools import cache
from time import perf_counter
from typing import Any

from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from webchat_project.observability.context import HEADER, RequestContext, current
from webchat_project.observability.metrics import count_request
from webchat_project.observability.security_log import SecurityEvent, log_event

logger = logging.getLogger("request")

UNKNOWN = "(unknown)"
STATIC = "(static)"
#: Routes that are requested every few seconds. They are logged at DEBUG only.
QUIET = frozenset({"/healthz", "/readyz", "/metrics", STATIC})

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLogMiddleware:
    """Stands before all others, so that no answer escapes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        context = RequestContext.of(request.META)
        token = current.set(context)
        try:
            response = self.get_response(request)
            response.headers[HEADER] = context.request_id
            if isinstance(response, StreamingHttpResponse) and _is_measured(response):
                response.streaming_content = _Stream(response, request, context, started)
            else:
                _finish(request, response.status_code, started)
        except BaseException:
            # Only what ends the process comes here, such as a server's timeout.
            _finish(request, 500, started)
            raise
        finally:
            current.reset(token)
        return response


def _is_measured(response: StreamingHttpResponse) -> bool:
    """Whether the line can wait for the end. A file is left to the server, which may send it
    without us; an asynchronous stream there is none of. Theirs is written with the headers."""
    return not isinstance(response, FileResponse) and not response.is_async


class _Stream:
    """A response's content, in the context of its request until it ends."""

    def __init__(
        self,
        response: StreamingHttpResponse,
        request: HttpRequest,
        context: RequestContext,
        started: float,
    ) -> None:
        self._chunks = iter(response.streaming_content)  # type: ignore[arg-type]
        self._status = response.status_code
        self._request: HttpRequest | None = request
        self._context = context
        self._started = started

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = current.set(self._context)
        try:
            return next(self._chunks)
        except BaseException as error:
            # The status has been sent, but a stream that broke off did not succeed.
            self._end(self._status if isinstance(error, StopIteration) else 500)
            raise
        finally:
            current.reset(token)

    def close(self) -> None:
        """Called by the server when all is sent, or when the client has gone."""
        token = current.set(self._context)
        self._end(self._status)
        current.reset(token)

    def _end(self, status: int) -> None:
        if self._request is not None:
            _finish(self._request, status, self._started)
            self._request = None


def _finish(request: HttpRequest, status: int, started: float) -> None:
    seconds = perf_counter() - started
    route = route_of(request)
    user = _known_user(request)
    if status == 403 and user is not None:
        log_event(SecurityEvent.FORBIDDEN, user=user.pk, route=route)
    log_request(method_of(request), route, status, seconds, user)


def log_request(method: str, route: str, status: int, seconds: float, user: Any = None) -> None:
    """Write the line of the ``current`` request, and count it. ``method`` and ``route`` are of a
    bounded number: see ``method_of`` and ``route_of``."""
    level = _level(route, status)
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
        count_request(method, route, status, seconds)


def route_of(request: HttpRequest) -> str:
    """Return the route, such as ``/api/webchats/<pk>``.

    There are as many routes as the URLconf has, whatever paths clients request.
    """
    match = request.resolver_match
    if match is not None:
        return readable(match.route)
    if request.path_info in QUIET:  # Middleware responds before the URL is resolved.
        return request.path_info
    return STATIC if request.path_info.startswith(settings.STATIC_URL) else UNKNOWN


@cache
def readable(route: str) -> str:
    """Return a route of the URLconf without regular expressions: ``/api/webchats/<pk>``."""
    return simplify_regex(route)


def method_of(request: HttpRequest) -> str:
    """Return the request's method, or ``OTHER`` for a method that is not standard."""
    return request.method if request.method in METHODS else "OTHER"


def _level(route: str, status: int) -> int:
    if route in QUIET:
        return logging.DEBUG
    return logging.ERROR if status >= 500 else logging.INFO


def _known_user(request: HttpRequest) -> Any:
    """Who the request was found to come from; nobody is looked up for the log's sake."""
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject):
        # Django's, of the session: looked up once a view asks for it, and then kept here.
        user = getattr(request, "_cached_user", None)
    return user if user is not None and user.is_authenticated else None
