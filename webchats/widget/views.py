"""What an anonymous browser may ask. No cookie, no session, no rate limit: all of it is cacheable.

Two doors are guarded by the webchat's list of allowed domains. The configuration is fetched by
the customer's page, so the browser names that page in ``Origin`` (a page of this very host sends
no ``Origin`` with a GET, and is judged by its ``Referer``). The frame is a navigation, which has
no ``Origin`` and whose ``Referer`` a visitor's browser may withhold: a page that names itself is
held to the list here, and all pages are held to it by the browser, through ``frame-ancestors``.
"""

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from organizations import object_ids
from webchats import domains
from webchats.last_loads import host_of, record_load
from webchats.models import Webchat
from webchats.serializers import WidgetConfigSerializer
from webchats.widget.frame import render_frame

LOADER = Path(__file__).parent.parent / "static" / "webchats" / "embed.js"
#: The loader changes only with a release; browsers take the new one at the latest after an hour,
#: and may use the old one for a day while they ask.
LOADER_CACHE = "public, max-age=3600, stale-while-revalidate=86400"
#: A saved change shows within a minute.
CONFIG_CACHE = "max-age=60"

_ID = re.compile(object_ids.PATTERN)


def public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """A view of this module's kind: read-only, compressed, validated by ``ETag``, and free to be
    used by other sites as far as its own headers allow."""

    def answer(request: HttpRequest, **arguments: str) -> HttpResponseBase:
        response = view(request, **arguments)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if response.status_code != 200:
            return response
        response.headers["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        conditional = get_conditional_response(
            request, etag=response.headers["ETag"], response=response
        )
        assert conditional is not None  # given a response, it returns one
        for name in ("Access-Control-Allow-Origin", "Content-Security-Policy"):
            if name in response.headers:
                conditional.headers[name] = response.headers[name]
        return conditional

    return require_safe(xframe_options_exempt(gzip_page(answer)))


@cache
def _loader_bytes() -> bytes:
    return LOADER.read_bytes()


@public
def loader(request: HttpRequest) -> HttpResponse:
    """``embed.js``, at an address that stands in customers' pages for ever."""
    body = LOADER.read_bytes() if settings.DEBUG else _loader_bytes()
    response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = LOADER_CACHE
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@public
def config(request: HttpRequest, webchat_id: str) -> HttpResponse:
    """The public configuration, for a page that may embed the widget."""
    origin, referer = request.headers.get("Origin"), request.headers.get("Referer")
    webchat = _enabled(webchat_id)
    if webchat is None or not domains.may_embed(
        webchat.allowed_domains, origin=origin, referer=referer
    ):
        return _not_found()
    record_load(webchat, host_of(origin=origin, referer=referer))
    body = json.dumps(_public_data(webchat, request))
    response = _varying(HttpResponse(body, content_type="application/json"))
    if origin is not None and origin.isascii() and origin.isprintable():
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


@public
def frame(request: HttpRequest, webchat_id: str) -> HttpResponse:
    """The page inside the iframe."""
    referer = request.headers.get("Referer")
    webchat = _enabled(webchat_id)
    if webchat is None or (
        referer and not domains.may_embed(webchat.allowed_domains, origin=None, referer=referer)
    ):
        return _not_found()
    data = _public_data(webchat, request)
    response = _varying(HttpResponse(render_frame(request, data, preview=False)))
    response.headers["Content-Security-Policy"] = _policy(webchat, data)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _enabled(webchat_id: str) -> Webchat | None:
    if not _ID.fullmatch(webchat_id):
        return None
    rows = Webchat.objects.enabled().select_related("organization", "last_load")
    webchat: Webchat | None = rows.filter(pk=webchat_id).first()
    return webchat


def _public_data(webchat: Webchat, request: HttpRequest) -> dict[str, Any]:
    # With the request, the icon's address names this host: another site's page loads it too.
    return dict(WidgetConfigSerializer(webchat, context={"request": request}).data)


def _varying(response: HttpResponse) -> HttpResponse:
    # Both headers decide, so a shared cache keeps the answers apart by both. The loader sends a
    # ``Referer`` without a path, so that a site's pages share theirs.
    response.headers["Cache-Control"] = CONFIG_CACHE
    response.headers["Vary"] = "Origin, Referer"
    return response


def _not_found() -> HttpResponse:
    """The one answer for an unknown, a disabled and a refused webchat: nothing can be probed."""
    body = json.dumps({"error": "Not found.", "code": "not_found"})
    return _varying(HttpResponse(body, status=404, content_type="application/json"))


def _policy(webchat: Webchat, data: dict[str, Any]) -> str:
    directives = {
        "default-src": "'none'",
        "script-src": _sources(settings.STATIC_URL),
        "style-src": _sources(settings.STATIC_URL),
        "img-src": _sources(data["icon"]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    if webchat.allowed_domains:
        # Without a list there is no directive: even ``*`` shuts out files, apps and sandboxes.
        directives["frame-ancestors"] = domains.frame_ancestors(webchat.allowed_domains)
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def _sources(address: str | None) -> str:
    """This host, and the one of ``address`` where it names another."""
    parts = urlsplit(address or "")
    return f"'self' {parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
