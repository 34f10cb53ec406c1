"""Error pages that need more than a template: see ``handler500`` and ``CSRF_FAILURE_VIEW``."""

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseRedirect,
    HttpResponseServerError,
)
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.template.loader import render_to_string
from django.urls import reverse

from webchat_project.api.exceptions import error_response
from webchat_project.observability.context import current_request


def server_error(request: HttpRequest) -> HttpResponseServerError:
    """Return the page for an unhandled exception, with the id that finds it in the log."""
    context = current_request.get()
    values = {"request_id": context.request_id if context else ""}
    return HttpResponseServerError(render_to_string("500.html", values))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the page for a form with a wrong CSRF token, or from a browser without cookies.

    A sign-in form whose user has signed in meanwhile, in another tab, redirects to its own page,
    which redirects to the requested one.
    """
    if request.path == reverse("admin:login") and _is_signed_in(request):
        return HttpResponseRedirect(request.get_full_path())
    values = {"has_no_cookie": reason == REASON_NO_CSRF_COOKIE}
    return HttpResponseForbidden(render_to_string("403_csrf.html", values))


def _is_signed_in(request: HttpRequest) -> bool:
    """Return whether the user of the sign-in form is signed in."""
    email = request.POST.get("username", "").strip().lower()
    return request.user.is_authenticated and request.user.get_username().lower() == email


def too_large(request: HttpRequest, limit: int) -> HttpResponse:
    """Return a 413 for a body above ``limit`` bytes: a page in the admin site, JSON elsewhere."""
    if request.path_info.startswith("/admin/"):
        return HttpResponse(render_to_string("413.html", {"limit": limit}), status=413)
    message = f"The body is larger than {limit:,} bytes."
    return error_response(413, message, "payload_too_large")
