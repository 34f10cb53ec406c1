"""A widget's configuration that was sent a moment ago, sent again before Django sees the request.

It is what every visit of every customer's page asks for. Django's own part of an answer, its
request, signals and middleware, takes twice as long as all that is done here.
"""

import re
from collections.abc import Mapping
from functools import cache
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve

from webchat_project.api import object_ids
from webchat_project.handlers import TolerantWSGIHandler
from webchat_project.observability.context import HEADER, RequestContext, current
from webchat_project.observability.request_log import log_request
from webchat_project.observability.routes import readable
from webchats.widget.response_cache import Question, ReadyConfig, ready_configs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PATH = re.compile(rf"/widget/({object_ids.PATTERN})/config")
#: All that a configuration and its headers depend on beside the path.
_ASKED_BY: Final = (
    "HTTP_HOST",
    "wsgi.url_scheme",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_ORIGIN",
    "HTTP_REFERER",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH",
)
#: Characters; a longer question is no browser's, and is not remembered.
_LONGEST: Final = 1_000
#: The configuration, and that the browser has it. (What is refused is not remembered: anybody can
#: ask for any number of it.)
_REMEMBERED: Final = {200: "200 OK", 304: "304 Not Modified"}


class RememberingHandler(TolerantWSGIHandler):
    """The WSGI application: Django's, with the answers of ``ready_configs`` in front of it.

    An answer is remembered as it leaves Django, with every header that middleware has put on it,
    and is given only to who asks exactly as before. It has its line in the log like any other.
    """

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        """The answer to a request (PEP 3333)."""
        started = perf_counter()
        if asked := _question(environ):
            ready = ready_configs.find(*asked)
            if ready is not None:
                start_response(_REMEMBERED[ready.status], _headers(ready, environ, started))
                return [ready.body]
        return super().__call__(environ, start_response)

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Django's answer, remembered if it is a configuration."""
        response = super().get_response(request)
        asked = _question(request.META)
        # An answer that sets a cookie is to somebody's cookies, which are no part of the question.
        if (
            asked
            and response.status_code in _REMEMBERED
            and isinstance(response, HttpResponse)
            and not response.cookies
        ):
            headers = [item for item in response.headers.items() if item[0] != HEADER]
            # A copy: what wrote the body may have left it a buffer of four times its length.
            body = memoryview(response.content).tobytes()
            answer = ReadyConfig(response.status_code, headers, body, time())
            ready_configs.remember(*asked, answer)
        return response


def _question(meta: Mapping[str, Any]) -> tuple[str, Question] | None:
    """The webchat whose configuration is asked for, and how; ``None`` for any other request."""
    match = _PATH.fullmatch(meta.get("PATH_INFO", ""))
    if match is None or meta["REQUEST_METHOD"] != "GET":
        return None
    question = tuple(map(meta.get, _ASKED_BY))
    return (match[1], question) if sum(map(len, filter(None, question))) <= _LONGEST else None


def _headers(
    ready: ReadyConfig, environ: "WSGIEnvironment", started: float
) -> list[tuple[str, str]]:
    """The headers of an answer that is sent again, of which the log is told here."""
    context = RequestContext.of(environ)
    token = current.set(context)
    log_request("GET", _route(), ready.status, perf_counter() - started)
    current.reset(token)
    headers = [*ready.headers, (HEADER, context.request_id)]
    if age := ready.age:
        headers.append(("Age", str(age)))
    return headers


@cache
def _route() -> str:
    return readable(resolve(f"/widget/{'0' * object_ids.LENGTH}/config").route)
