"""Middleware: security headers, errors, HTTPS and health checks. See also ``body_size``."""

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from webchat_project import health
from webchat_project.api.exceptions import RETRY_AFTER, error_response, unavailable_or_none
from webchats.icons.storage import icon_storage

GetResponse = Callable[[HttpRequest], HttpResponseBase]

#: The Content-Security-Policy of every response without its own: nothing may load or run.
DEFAULT_CSP: Final = (
    "default-src 'none'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
#: Django's error pages: their style sheets and the logo.
ERROR_CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
#: Nothing inline, and nothing from other origins, except images from the icon storage.
ADMIN_CSP: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "object-src 'none'; img-src 'self' data: {icon_origin}"
)
#: The icons of Swagger UI are ``data:`` URLs.
DOCS_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
PERMISSIONS_POLICY: Final = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)


class SecurityHeadersMiddleware:
    """Adds the headers that Django's ``SecurityMiddleware`` does not, to errors as well.

    A header that the view has set is kept. The preview in the admin is a ``srcdoc`` frame, which
    inherits the admin's policy: no script can run in it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers, path = response.headers, request.path_info
        content_type = headers.get("Content-Type", "")
        is_html, is_error = content_type.startswith("text/html"), response.status_code >= 400
        if is_html:
            headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if path.startswith(("/admin/", "/api/")):
            headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            # The translation catalog of the admin's scripts is the same for every user.
            if not content_type.startswith("text/javascript"):
                headers.setdefault("Cache-Control", "no-store")
        if path.startswith("/admin/"):
            policy = ADMIN_CSP.format(icon_origin=icon_storage().origin or "").strip()
        elif path == "/api/docs" and not is_error:
            policy = DOCS_CSP
        elif settings.DEBUG and is_html and is_error:
            return response  # Django's error page for developers has inline styles.
        elif is_html and is_error:
            policy = ERROR_CSP
        else:
            policy = DEFAULT_CSP
        headers.setdefault("Content-Security-Policy", policy)
        return response


#: Message and code by status, for errors that no view of the API returned.
_ERRORS: Final = {
    400: ("The request could not be understood.", "bad_request"),
    403: ("You do not have permission to do this.", "permission_denied"),
    404: ("Not found.", "not_found"),
    405: ("Method not allowed.", "method_not_allowed"),
    413: ("The body is too large.", "payload_too_large"),
    500: ("Something went wrong on our side. It has been logged.", "internal_error"),
}
_JSON_PATHS: Final = re.compile(r"/(?:api|healthz|readyz|metrics)(?:/|\Z)|/widget/[^/]+/")


class ApiErrorMiddleware:
    """Replaces Django's error pages under ``/api`` and ``/widget/{id}/`` by JSON errors.

    Django returns them for an unknown path, a host that is not allowed, or an unhandled exception.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if (
            response.status_code < 400
            or not _JSON_PATHS.match(request.path_info)
            or response.headers.get("Content-Type", "").startswith("application/json")
        ):
            return response
        message, code = _ERRORS.get(response.status_code, _ERRORS[400])
        path = request.path_info.rstrip("/")
        if response.status_code == 404 and path != request.path_info and _is_route(path):
            message = f"Not found. Did you mean {path}, without the trailing slash?"
        replacement = error_response(response.status_code, message, code)
        for name in ("Content-Type", "Content-Length"):
            del response.headers[name]
        for name, value in response.headers.items():
            replacement.headers[name] = value
        return replacement


def _is_route(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


class NotFoundPageMiddleware:
    """Replaces Django's 404 page for developers, which it shows with ``DEBUG``, by that of users.

    Whoever tries the demo would see it at a mistyped address.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if settings.DEBUG and response.status_code == 404 and is_page:
            return HttpResponseNotFound(render_to_string("404.html"))
        return response


class UnavailableMiddleware:
    """Answers 503 if a view outside of the API fails because a dependency is unavailable.

    The widget's endpoints respond with the JSON of an error, pages with HTML.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        unavailable = unavailable_or_none(error)
        if unavailable is None:
            return None
        return unavailable_response(request, str(unavailable.detail))


def unavailable_response(request: HttpRequest, message: str) -> HttpResponse:
    """Return a 503: a page in the admin site, JSON elsewhere."""
    response: HttpResponse
    if request.path_info.startswith("/admin/"):
        response = HttpResponse(render_to_string("503.html", {"message": message}), status=503)
    else:
        response = error_response(503, message, "unavailable")
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


class HealthMiddleware:
    """Responds to ``/healthz`` and ``/readyz`` without checking the ``Host`` header.

    A load balancer calls a container by its address, which is not in ``ALLOWED_HOSTS``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.views: dict[str, Callable[[HttpRequest], HttpResponse]] = {
            "/healthz": health.liveness,
            "/readyz": health.readiness,
        }

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = self.views.get(request.path_info)
        if view is None:
            return self.get_response(request)
        response = view(request)
        # ``CommonMiddleware``, which sets this header, comes later.
        response.headers["Content-Length"] = str(len(response.content))
        return response


class HttpsOnlyMiddleware:
    """Refuses plain HTTP under ``/api`` with a 403, instead of a redirect.

    A program would follow the redirect, and send its credential in clear text with every request.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            settings.SECURE_SSL_REDIRECT
            and request.path_info.startswith("/api/")
            and not request.is_secure()
        ):
            # Raises ``DisallowedHost``, which is the first thing to correct.
            request.get_host()
            return error_response(403, "Use HTTPS.", "https_required")
        return self.get_response(request)
