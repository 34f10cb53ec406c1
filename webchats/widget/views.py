"""What an anonymous browser may ask. No cookie, no session, no rate limit: all of it is cacheable.

Two doors are guarded by the webchat's list of allowed domains. The configuration is fetched by
the customer's page, so the browser names that page in ``Origin`` (a page of this very host sends
no ``Origin`` with a GET, and is judged by its ``Referer``). The frame is a navigation, which has
no ``Origin`` and whose ``Referer`` a visitor's browser may withhold: a page that names itself is
held to the list here, and all pages are held to it by the browser, through ``frame-ancestors``.
"""

import hashlib
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

from webchats import domains
from webchats.models import Webchat
from webchats.widget.answers import enabled_webchat, not_found, public_data, varying
from webchats.widget.frame import render_frame

LOADER = Path(__file__).parent.parent / "static" / "webchats" / "embed.js"
#: The loader changes only with a release; browsers take the new one at the latest after an hour,
#: and may use the old one for a day while they ask.
LOADER_CACHE = "public, max-age=3600, stale-while-revalidate=86400"


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
        if policy := response.headers.get("Content-Security-Policy"):
            conditional.headers["Content-Security-Policy"] = policy
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
def frame(request: HttpRequest, webchat_id: str) -> HttpResponse:
    """The page inside the iframe."""
    referer = request.headers.get("Referer")
    webchat = enabled_webchat(webchat_id)
    if webchat is None or (
        referer and not domains.may_embed(webchat.allowed_domains, origin=None, referer=referer)
    ):
        return not_found()
    data = public_data(webchat, request)
    response = varying(HttpResponse(render_frame(request, data, preview=False)))
    response.headers["Content-Security-Policy"] = _policy(webchat, data)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


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
