"""Middleware: security headers, the API's error shape, https, and the size of bodies."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from webchat_project.api.exceptions import error_response
from webchats.icons.storage import icon_storage

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


class SecurityHeadersMiddleware:
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


#: For answers that do not come from a view: sentence and code by status.
_BY_STATUS = {
    400: ("The request could not be understood.", "bad_request"),
    403: ("You do not have permission to do this.", "permission_denied"),
    404: ("Not found.", "not_found"),
    405: ("Method not allowed.", "method_not_allowed"),
    413: ("The body is too large.", "payload_too_large"),
    500: ("Something went wrong on our side. It has been logged.", "internal_error"),
}

_FOR_MACHINES = re.compile(r"/(api|healthz|readyz|metrics)(/|\Z)")


class ApiErrorMiddleware:
    """Gives the error shape to what Django itself answers to a machine: an unknown path, a
    refused host, an exception nobody caught (Django has logged it; the client sees no trace)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if (
            response.status_code < 400
            or not _FOR_MACHINES.match(request.path_info)
            or response.headers.get("Content-Type", "").startswith("application/json")
        ):
            return response
        message, code = _BY_STATUS.get(response.status_code, _BY_STATUS[400])
        replacement = error_response(response.status_code, message, code)
        # The other headers, of security among them, stay as they are.
        for name in ("Content-Type", "Content-Length"):
            del response.headers[name]
        for name, value in response.headers.items():
            replacement.headers[name] = value
        return replacement


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


#: No body is as long as a number of more digits says.
_MOST_DIGITS = 18


class BodySizeLimitMiddleware:
    """Answers 413 to a request that announces too large a body, before any of it is read.

    A WSGI server hands over no more than the announced length, so this bound holds for all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        has_files = request.content_type == "multipart/form-data"
        limit = settings.MAX_UPLOAD_BYTES if has_files else settings.MAX_BODY_BYTES
        # Python takes other scripts' digits for digits, and no more than 4,300 of them.
        is_number = announced.isascii() and announced.isdigit()
        if is_number and (len(announced) > _MOST_DIGITS or int(announced) > limit):
            message = f"The body is larger than {limit:,} bytes."
            return error_response(413, message, "payload_too_large")
        return self.get_response(request)
