"""The ceiling: a Django view that answers with bytes that are ready.

To a member it does so after simplejwt's own check of the token, with its look-up of the active
user; to a stranger at once. No row is read and nothing is decided.
"""

import base64
import json
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework_simplejwt.authentication import JWTAuthentication

_JWT = JWTAuthentication()
_FILE: Path = getattr(settings, "BENCHMARK_ANSWERS")  # noqa: B009 - unknown to the service's
_ANSWERS = {
    asked: (base64.b64decode(answer["body"]), answer["headers"])
    for asked, answer in json.loads(_FILE.read_text()).items()
}


def for_members(request: HttpRequest, rest: str = "") -> HttpResponse:
    """The answer, to who has a good token."""
    # A Django request has all that it reads.
    if _JWT.authenticate(request) is None:  # type: ignore[arg-type]
        return HttpResponse(status=401)
    return _ready(*_ANSWERS[request.get_full_path()])


def for_everybody(request: HttpRequest, rest: str) -> HttpResponse:
    """The answer, or that the browser has it."""
    body, headers = _ANSWERS[request.path]
    if request.headers.get("If-None-Match") == headers.get("ETag"):
        return HttpResponse(status=304, headers=headers)
    return _ready(body, headers)


def alive(request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return _ready(b"ok", {})


def _ready(body: bytes, headers: dict[str, str]) -> HttpResponse:
    # The length is otherwise a middleware's to say.
    return HttpResponse(body, headers={**headers, "Content-Length": str(len(body))})


urlpatterns = [
    path("api/webchats", for_members),
    path("api/webchats/<str:rest>", for_members),
    path("widget/<path:rest>", for_everybody),
    path("healthz", alive),
]
