"""What the answers of the public face have in common."""

import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse

from webchat_project.api import object_ids
from webchats.models import Webchat
from webchats.serializers import WidgetConfigSerializer

#: A saved change shows within a minute.
CONFIG_CACHE = "max-age=60"

_ID = re.compile(object_ids.PATTERN)


def enabled_webchat(webchat_id: str) -> Webchat | None:
    """The webchat of this id, if there is one and it is enabled."""
    if not _ID.fullmatch(webchat_id):
        return None
    rows = Webchat.objects.enabled().select_related("organization", "last_load")
    webchat: Webchat | None = rows.filter(pk=webchat_id).first()
    return webchat


def public_data(webchat: Webchat, request: HttpRequest) -> dict[str, Any]:
    """What a stranger may see. With the request, the icon's address names this host: another
    site's page loads it too."""
    return dict(WidgetConfigSerializer(webchat, context={"request": request}).data)


def varying(response: HttpResponse) -> HttpResponse:
    """The response, cacheable for a minute by who asked.

    Both headers decide, so a shared cache keeps the answers apart by both. The loader sends a
    ``Referer`` without a path, so that a site's pages share theirs.
    """
    response.headers["Cache-Control"] = CONFIG_CACHE
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["Vary"] = "Origin, Referer"
    return response


def not_found() -> HttpResponse:
    """The one answer for an unknown, a disabled and a refused webchat: nothing can be probed."""
    body = json.dumps({"error": "Not found.", "code": "not_found"})
    response = varying(HttpResponse(body, status=404, content_type="application/json"))
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
