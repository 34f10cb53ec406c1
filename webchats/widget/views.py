"""The public endpoints of a webchat: its configuration, and the page in the iframe.

They need no credential, set no cookie and have no throttle, so that browsers and proxies can cache
them. Two of them check the webchat's allowed domains:

* ``config`` is fetched by a script on the customer's page, so the browser sends the page's
  origin in ``Origin``. Only pages on this service's own host send no ``Origin`` with a GET request.
  Their ``Referer`` is checked.
* ``frame`` is a navigation, which has no ``Origin`` and possibly no ``Referer``. A ``Referer`` is
  checked if there is one. The browser always enforces ``frame-ancestors``.

Unknown and disabled webchats and pages that are not allowed get the same 404, so that the response
does not reveal which webchats exist.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.utils.http import parse_etags
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from webchat_project.api.exceptions import error_response
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats.domains import frame_ancestors, may_embed
from webchats.icons.storage import signed_url_version
from webchats.models import Webchat
from webchats.models.last_load import HOST_LENGTH
from webchats.services import record_load
from webchats.widget import assets
from webchats.widget.asset_views import public_view, survey_context
from webchats.widget.cors import set_cors_headers
from webchats.widget.serializers import PublicConfig, public_config
from webchats.widget.words import (
    DEFAULT_LANGUAGE,
    WORDS,
    known_language,
    script_words,
)

#: A saved change shows within a minute.
CONFIG_CACHE_CONTROL: Final = "max-age=60"

_ID: Final = re.compile(OBJECT_ID_PATTERN)
#: ``Accept-Encoding`` allows gzip (RFC 9110, section 12.5.3).
_ACCEPTS_GZIP: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|\Z))", re.IGNORECASE)


@require_safe
@xframe_options_exempt
def config(request: HttpRequest, webchat_id: str) -> HttpResponse:
    """Return the public configuration as JSON, with CORS headers for the page that requests it.

    ``response_cache`` lists all request headers that the response depends on.
    """
    origin, referer = request.META.get("HTTP_ORIGIN"), request.META.get("HTTP_REFERER")
    webchat = _enabled_webchat(webchat_id)
    if webchat is None or not may_embed(webchat.allowed_domains, origin=origin, referer=referer):
        return _not_found()
    record_load(webchat=webchat, host=_get_host(origin=origin, referer=referer))
    data = public_config(webchat, request)
    # Weak (RFC 9110, section 8.8.1): processes sign different URLs of the same icon.
    version = orjson.dumps({**data, "icon": signed_url_version(webchat.icon_or_default)})
    etag = f'W/"{hashlib.sha256(version).hexdigest()[:32]}"'
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    response: HttpResponse
    if etag in known or "*" in known:
        response = HttpResponseNotModified()
    elif _ACCEPTS_GZIP.search(request.META.get("HTTP_ACCEPT_ENCODING", "")):
        body = gzip.compress(orjson.dumps(data), mtime=0)
        response = HttpResponse(body, content_type="application/json")
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(orjson.dumps(data), content_type="application/json")
    response.headers["Cache-Control"] = CONFIG_CACHE_CONTROL
    response.headers["Vary"] = "Origin, Referer, Accept-Encoding"
    response.headers["ETag"] = etag
    set_cors_headers(response, origin)
    return response


@public_view
def frame(request: HttpRequest, webchat_id: str) -> HttpResponse:
    """Return the page in the iframe. ``lang`` in the query string is its language."""
    referer = request.META.get("HTTP_REFERER")
    webchat = _enabled_webchat(webchat_id)
    if webchat is None or (
        referer and not may_embed(webchat.allowed_domains, origin=None, referer=referer)
    ):
        return _not_found()
    data = public_config(webchat, request)
    language = known_language(request.GET.get("lang", ""))
    response = HttpResponse(render_frame(data, preview=False, language=language))
    response.headers["Cache-Control"] = CONFIG_CACHE_CONTROL
    response.headers["Vary"] = "Origin, Referer"
    response.headers["Content-Security-Policy"] = _frame_csp(webchat, data)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def render_frame(
    config: Mapping[str, object], *, preview: bool, language: str = DEFAULT_LANGUAGE
) -> str:
    """Render the page in the iframe from a ``PublicConfig``, also for the admin's preview.

    The page has no inline script or style and only absolute URLs, so that it also works as
    ``srcdoc`` on a page with ``script-src 'self'``. With ``preview`` it shows sample messages and
    the survey, so that all colors are visible, makes no request and accepts no messages from its
    parent.
    """
    context = {
        "config": config,
        "preview": preview,
        "language": language,
        "words": WORDS[language],
        "script_words": script_words(language),
        "script_version": assets.assets_version(assets.FRAME),
        "style_version": assets.assets_version(assets.FRAME_STYLES),
        "survey_version": assets.assets_version(assets.SURVEY),
        **survey_context(language),
    }
    # Without the request: the page must not depend on the client.
    return render_to_string("widget/frame.html", context)


def _enabled_webchat(webchat_id: str) -> Webchat | None:
    if not _ID.fullmatch(webchat_id):
        return None
    webchats = Webchat.objects.enabled().select_related("organization", "last_load")
    return webchats.filter(pk=webchat_id).first()


def _not_found() -> HttpResponse:
    response = error_response(404, "Not found.", "not_found")
    response.headers["Cache-Control"] = CONFIG_CACHE_CONTROL
    response.headers["Vary"] = "Origin, Referer"
    return response


def _get_host(*, origin: str | None, referer: str | None) -> str:
    """Return the host of the page, or an empty string if the headers do not contain it."""
    try:
        host = urlsplit(referer or "" if origin is None else origin).hostname or ""
    except ValueError:
        return ""
    return host if len(host) <= HOST_LENGTH and host.isascii() and host.isprintable() else ""


def _frame_csp(webchat: Webchat, data: PublicConfig) -> str:
    directives = {
        "default-src": "'none'",
        "script-src": _csp_sources(settings.STATIC_URL),
        "style-src": _csp_sources(settings.STATIC_URL),
        "img-src": _csp_sources(data["icon"]),
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    if webchat.allowed_domains:
        # Not with an empty list: even ``*`` would block local files, apps and sandboxed iframes.
        directives["frame-ancestors"] = frame_ancestors(webchat.allowed_domains)
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def _csp_sources(url: str | None) -> str:
    """Return the CSP sources for this host and, if it is another one, for the host of ``url``."""
    parts = urlsplit(url or "")
    return f"'self' {parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
