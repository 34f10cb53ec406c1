"""What a browser may do with our answers: load, run, frame, keep."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from webchats.icons import icon_storage

#: For all that says nothing else: no page, or the page of an error.
NOTHING = (
    "default-src 'none'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
#: The staff's pages: nothing inline, nothing from elsewhere but icons, whose origin is added.
STAFF = (
    "default-src 'self'; script-src 'self'; style-src 'self'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "object-src 'none'"
)
#: The API's interactive page, which draws its signs from ``data:`` addresses.
DOCUMENTATION = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
#: What none of our pages asks of a device.
PERMISSIONS = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)

_STAFF_PATH, _API_PATH = "/admin/", "/api/"


class BrowserPolicyMiddleware:
    """Adds the headers that say so to every answer, errors of other middleware too.

    What a view has said for itself stays. The preview's frame is an ``srcdoc`` and so stands under
    the staff's policy: even a text that got out of its template could run nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers, path = response.headers, request.path_info
        kind = headers.get("Content-Type", "")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        is_page = kind.startswith("text/html")
        if is_page:
            headers.setdefault("Permissions-Policy", PERMISSIONS)
        if path.startswith((_STAFF_PATH, _API_PATH)):
            headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            # The catalogue of the admin's scripts is the same for all; the rest is somebody's.
            if not kind.startswith("text/javascript"):
                headers.setdefault("Cache-Control", "no-store")
        if policy := _policy(path, is_page, response.status_code):
            headers.setdefault("Content-Security-Policy", policy)
        return response


def _policy(path: str, is_page: bool, status: int) -> str | None:
    if path.startswith(_STAFF_PATH):
        return f"{STAFF}; img-src 'self' data: {icon_storage().origin or ''}".strip()
    if path == "/api/docs" and status == 200:
        return DOCUMENTATION
    if is_page and settings.DEBUG and status >= 400:
        # Django's own page for who develops, which has its styles inside.
        return None
    return NOTHING
