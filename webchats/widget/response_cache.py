"""A cache of the responses to ``GET /widget/{id}/config``, in front of Django.

Every visit to every customer's page requests a configuration, and a configuration changes rarely.
A repeated request gets the stored response, without a request object, middleware or a query. That
serves 1.6 times as many requests per second as a Django view that returns a constant.

``WIDGET_CONFIG_CACHE_SECONDS`` is the lifetime of a stored response; 0 disables the cache. Each
process has its own cache. Code that writes webchats calls ``invalidate_on_commit``, which
affects its own process. Other processes return a stored response until it expires. A response has
an ``Age`` header, so that browsers do not cache it for longer than its ``max-age`` in total.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter, time
from typing import TYPE_CHECKING, Final, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import transaction

from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchat_project.observability.context import REQUEST_ID_HEADER, RequestContext, current_request
from webchat_project.observability.request_log import log_request

if TYPE_CHECKING:
    from _typeshed import OptExcInfo

#: The id of a webchat, and the values of ``_VARY_ON`` in the request.
CacheKey = tuple[str, tuple[str | None, ...]]
Headers = list[tuple[str, str]]

_PATH: Final = re.compile(rf"/widget/({OBJECT_ID_PATTERN})/config")
#: The route in logs and metrics, as Django resolves it.
_ROUTE: Final = "/widget/<str:webchat_id>/config"
#: The variables that a response depends on, besides the path.
_VARY_ON: Final = (
    "HTTP_HOST",
    "SCRIPT_NAME",
    "wsgi.url_scheme",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_ORIGIN",
    "HTTP_REFERER",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH",
)
#: In characters. Browsers do not send headers that long.
_MAX_KEY_LENGTH: Final = 1_000
#: Other statuses are not stored: anyone can request any number of unknown ids.
_STATUSES: Final = {"200 OK": 200, "304 Not Modified": 304}
#: Estimated memory of a stored response besides its body: key and headers.
_OVERHEAD_BYTES: Final = 3_000


class StoredResponse(NamedTuple):
    """A response from Django, without its ``X-Request-ID``."""

    status: str
    headers: Headers
    body: bytes
    #: Seconds since the epoch.
    stored_at: float


class ResponseCache:
    """Stored responses by webchat and key. Can be shared between threads.

    Above ``max_bytes`` the cache is cleared, because it does not track which responses are used.
    """

    def __init__(self, *, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._responses: dict[str, dict[tuple[str | None, ...], StoredResponse]] = {}
        #: Changes with each invalidation.
        self.version = 0

    def get(self, key: CacheKey, *, max_age: int) -> StoredResponse | None:
        """Return the response stored less than ``max_age`` seconds ago, or ``None``."""
        responses = self._responses.get(key[0])
        response = responses.get(key[1]) if responses else None
        if response is None or not 0 <= time() - response.stored_at < max_age:
            return None
        return response

    def set(self, key: CacheKey, response: StoredResponse, *, version: int) -> None:
        """Store the response unless the cache was invalidated after ``version``."""
        if self._size >= self._max_bytes:
            self.clear()
        elif version == self.version:
            self._size += len(response.body) + _OVERHEAD_BYTES
            self._responses.setdefault(key[0], {})[key[1]] = response

    def invalidate(self, webchat_id: str) -> None:
        """Delete the responses of one webchat."""
        self.version += 1
        self._responses.pop(webchat_id, None)

    def clear(self) -> None:
        """Delete the responses of all webchats, and start a new version."""
        self.version += 1
        self._responses.clear()
        self._size = 0


_process_cache: Final = ResponseCache()


def invalidate_on_commit(webchat_id: str | None = None) -> None:
    """Delete this process's responses of a webchat, or of all, when the transaction commits.

    ``Webchat`` and its queryset call it after every write. Bulk writes that bypass both must call
    it, too.
    """
    if webchat_id is None:
        transaction.on_commit(_process_cache.clear)
    else:
        transaction.on_commit(partial(_process_cache.invalidate, webchat_id))


class WidgetConfigCache:
    """WSGI middleware (PEP 3333) that answers repeated requests from the cache.

    A stored response is returned with the headers that Django's middleware added to it. It gets
    a request id, a line in the request log and an entry in the metrics of its own.
    """

    def __init__(self, application: WSGIApplication, cache: ResponseCache = _process_cache) -> None:
        self._application = application
        self._cache = cache

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started = perf_counter()
        max_age = settings.WIDGET_CONFIG_CACHE_SECONDS
        key = _cache_key(environ) if max_age else None
        if key is None:
            return self._application(environ, start_response)
        stored = self._cache.get(key, max_age=max_age)
        if stored is None:
            return self._call_and_store(key, environ, start_response)
        context = RequestContext.from_meta(environ)
        token = current_request.set(context)
        log_request("GET", _ROUTE, _STATUSES[stored.status], perf_counter() - started)
        current_request.reset(token)
        headers = [*stored.headers, (REQUEST_ID_HEADER, context.request_id)]
        if age := int(time() - stored.stored_at):
            headers.append(("Age", str(age)))  # RFC 9111, section 5.1
        start_response(stored.status, headers)
        return [stored.body]

    def _call_and_store(
        self, key: CacheKey, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        heads: list[tuple[str, Headers]] = []

        def record(
            status: str, headers: Headers, *exc_info: "OptExcInfo | None"
        ) -> Callable[[bytes], object]:
            heads.append((status, headers))
            return start_response(status, headers, *exc_info)

        # Read before the response: a change that commits meanwhile must not be overwritten.
        version = self._cache.version
        chunks = self._application(environ, record)
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, headers = heads[-1]
        # A response with a cookie is meant for one visitor.
        if status in _STATUSES and not any(name == "Set-Cookie" for name, _ in headers):
            headers = [header for header in headers if header[0] != REQUEST_ID_HEADER]
            # Copied, since the encoder may have allocated four times the length.
            response = StoredResponse(status, headers, memoryview(body).tobytes(), time())
            self._cache.set(key, response, version=version)
        return [body]


def _cache_key(environ: WSGIEnvironment) -> CacheKey | None:
    """Return the key of a request for a configuration, ``None`` for any other request."""
    match = _PATH.fullmatch(environ.get("PATH_INFO", ""))
    if match is None or environ["REQUEST_METHOD"] != "GET":
        return None
    variables = tuple(map(environ.get, _VARY_ON))
    if sum(map(len, filter(None, variables))) > _MAX_KEY_LENGTH:
        return None
    return match[1], variables
