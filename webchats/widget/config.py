"""The public configuration, for a page that may embed the widget."""

import gzip
import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from webchats import domains
from webchats.icons.storage import url_version
from webchats.models import Webchat
from webchats.models.last_load import HOST_LENGTH
from webchats.services import record_load
from webchats.widget.answers import enabled_webchat, not_found, public_data, varying

#: In an ``Accept-Encoding``: gzip, unless it is named to be refused (RFC 9110, section 12.5.3).
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|\Z))", re.IGNORECASE)


@require_safe
@xframe_options_exempt
def config(request: HttpRequest, webchat_id: str) -> HttpResponse:
    """The configuration as of now. What it depends on beside the address is the origin of the
    page and what the browser takes and has: ``ready_configs`` counts on it."""
    origin, referer = request.META.get("HTTP_ORIGIN"), request.META.get("HTTP_REFERER")
    webchat = enabled_webchat(webchat_id)
    if webchat is None or not domains.may_embed(
        webchat.allowed_domains, origin=origin, referer=referer
    ):
        return not_found()
    record_load(webchat=webchat, host=_host_of(origin=origin, referer=referer))
    data = public_data(webchat, request)
    etag = _etag(data, webchat)
    if _has(request, etag):
        response = varying(HttpResponse(status=304))
        del response.headers["Content-Type"], response.headers["Content-Length"]
    else:
        response = varying(_whole(request, data))
    response.headers["Vary"] += ", Accept-Encoding"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["ETag"] = etag
    if origin is not None and origin.isascii() and origin.isprintable():
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


def _host_of(*, origin: str | None, referer: str | None) -> str:
    """Return the host of the page, or an empty text if the headers do not name it."""
    try:
        host = urlsplit(referer or "" if origin is None else origin).hostname or ""
    except ValueError:
        return ""
    return host if len(host) <= HOST_LENGTH and host.isascii() and host.isprintable() else ""


def _etag(data: dict[str, Any], webchat: Webchat) -> str:
    """Weak (RFC 9110, section 8.8.1): the icon's URL is signed anew now and then, and one can
    stand for the other."""
    version = orjson.dumps({**data, "icon": url_version(webchat.public_icon)})
    return f'W/"{hashlib.sha256(version).hexdigest()[:32]}"'


def _has(request: HttpRequest, etag: str) -> bool:
    """Whether the browser has it already (RFC 9110, section 13.1.2)."""
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return "*" in known or etag in known


def _whole(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    body = orjson.dumps(data)
    if not _GZIP.search(request.META.get("HTTP_ACCEPT_ENCODING", "")):
        return HttpResponse(body, content_type="application/json")
    packed = gzip.compress(body, mtime=0)
    headers = {"Content-Encoding": "gzip"}
    return HttpResponse(packed, content_type="application/json", headers=headers)
