"""The public configuration, for a page that may embed the widget."""

import re
from collections.abc import Callable
from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import ResolverMatch, resolve
from django.utils.http import parse_etags
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from organizations import object_ids
from webchats import domains, icons, ready_configs
from webchats.last_loads import host_of, record_load
from webchats.ready_configs import ReadyConfig
from webchats.widget.answers import enabled_webchat, not_found, public_data, varying

_PATH = re.compile(rf"/widget/({object_ids.PATTERN})/config")


class ReadyConfigMiddleware:
    """Answers from memory, before the rest of the middleware has to look at the request: that
    takes a fifth of the time. What is not remembered, the view makes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        match = _PATH.fullmatch(request.path_info)
        if match is not None and request.method == "GET":
            ready = ready_configs.find(match[1], _address(request))
            if ready is not None:
                request.resolver_match = _route()  # for who logs and counts requests
                return _answer(request, ready)
        return self.get_response(request)


@cache
def _route() -> ResolverMatch:
    return resolve(f"/widget/{'0' * object_ids.LENGTH}/config")


@require_safe
@xframe_options_exempt
def config(request: HttpRequest, webchat_id: str) -> HttpResponse:
    """The configuration as of now."""
    webchat = enabled_webchat(webchat_id)
    if webchat is None:
        return not_found()
    data = public_data(webchat, request)
    ready = ReadyConfig.of(
        orjson.dumps(data),
        version=orjson.dumps({**data, "icon": icons.public_icon_version(webchat)}),
        address=_address(request),
        allowed_domains=webchat.allowed_domains,
    )
    answer = _answer(request, ready)
    if answer.status_code != 404:
        origin, referer = _who_asks(request)
        record_load(webchat, host_of(origin=origin, referer=referer))
        ready_configs.remember(webchat_id, ready)
    return answer


def _address(request: HttpRequest) -> str:
    """Where the icon's URL may begin; raises ``DisallowedHost``."""
    return f"{request.scheme}://{request.get_host()}"


def _who_asks(request: HttpRequest) -> tuple[str | None, str | None]:
    return request.META.get("HTTP_ORIGIN"), request.META.get("HTTP_REFERER")


def _answer(request: HttpRequest, ready: ReadyConfig) -> HttpResponse:
    origin, referer = _who_asks(request)
    if not domains.may_embed(ready.allowed_domains, origin=origin, referer=referer):
        return not_found()
    if _has(request, ready):
        response = varying(HttpResponse(status=304))
        del response.headers["Content-Type"], response.headers["Content-Length"]
    else:
        packed = "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "")
        content = ready.compressed if packed else ready.body
        response = varying(HttpResponse(content, content_type="application/json"))
        if packed:
            response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] += ", Accept-Encoding"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["ETag"] = ready.etag
    if age := ready.age:
        response.headers["Age"] = str(age)
    if origin is not None and origin.isascii() and origin.isprintable():
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


def _has(request: HttpRequest, ready: ReadyConfig) -> bool:
    """Whether the browser has it already (RFC 9110, section 13.1.2)."""
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return "*" in known or ready.etag in known
