"""The upper limit of Django: a view that returns prepared responses.

A request to the API is authenticated by simplejwt, which loads the active user. A request for a
widget's configuration is not. Neither reads any other row.
"""

import base64
import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework_simplejwt.authentication import JWTAuthentication

AUTHENTICATION = JWTAuthentication()
#: The bodies and headers of the responses, by the full path of the request.
RESPONSES = {
    path: (base64.b64decode(response["body"]), response["headers"])
    for path, response in json.loads(settings.BENCHMARK_RESPONSES.read_text()).items()
}


def api(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Return the prepared response to an authenticated request."""
    if AUTHENTICATION.authenticate(request) is None:
        return HttpResponse(status=401)
    return respond(*RESPONSES[request.get_full_path()])


def widget(request: HttpRequest, rest: str) -> HttpResponse:
    """Return the prepared response, or 304 if ``If-None-Match`` has its ``ETag``."""
    body, headers = RESPONSES[request.path]
    if request.headers.get("If-None-Match") == headers.get("ETag"):
        return HttpResponse(status=304, headers=headers)
    return respond(body, headers)


def health(request: HttpRequest) -> HttpResponse:
    """Return 200 once the server runs."""
    return respond(b"ok", {})


def respond(body: bytes, headers: dict[str, str]) -> HttpResponse:
    """Return a response with the header that a middleware would add."""
    return HttpResponse(body, headers={**headers, "Content-Length": str(len(body))})


urlpatterns = [
    path("api/webchats", api),
    path("api/webchats/<str:rest>", api),
    path("widget/<path:rest>", widget),
    path("healthz", health),
]
