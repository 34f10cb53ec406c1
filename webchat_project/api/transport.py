"""The API speaks https."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from webchat_project.api.errors import error_response


class HttpsOnlyMiddleware:
    """Refuses what pages are redirected for: a program that is redirected goes on sending its
    credential in clear first, and nobody notices."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            settings.SECURE_SSL_REDIRECT
            and request.path_info.startswith("/api/")
            and not request.is_secure()
        ):
            return error_response(403, "Use https.", "https_required")
        return self.get_response(request)
