"""What the staff's pages may load, told to the browser."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from webchats.icons import icon_storage


class StaffPolicyMiddleware:
    """Adds a strict Content-Security-Policy to everything under ``/admin``, error pages too.

    The preview's frame is an ``srcdoc`` and so stands under the same policy: even a text that
    got out of its template could run nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/"):
            images = f"img-src 'self' data: {icon_storage().origin or ''}".strip()
            policy = f"{settings.STAFF_POLICY}; {images}"
            response.headers.setdefault("Content-Security-Policy", policy)
        return response
