"""The cookie by which the sign-in page finds that a session has ended.

A browser deletes the cookie of a session when the session expires. This one stays until the user
signs out or closes the browser.
"""

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse


def remember_sign_in(response: HttpResponse) -> None:
    """Set the cookie."""
    response.set_cookie(
        settings.SIGNED_IN_COOKIE_NAME,
        "1",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget_sign_in(response: HttpResponse) -> None:
    """Delete the cookie, because the user has signed out."""
    response.delete_cookie(settings.SIGNED_IN_COOKIE_NAME, samesite="Lax")


def is_session_ended(request: HttpRequest) -> bool:
    """Return whether a page redirected here because the session of the browser has ended."""
    is_redirected = request.method == "GET" and REDIRECT_FIELD_NAME in request.GET
    has_cookie = bool(request.COOKIES.get(settings.SIGNED_IN_COOKIE_NAME))
    return is_redirected and has_cookie and not request.user.is_authenticated
