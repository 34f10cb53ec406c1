"""Redirects of requests that reach a view of the admin site by a wrong method."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

_P = ParamSpec("_P")


def post_or_redirect(
    view: Callable[Concatenate[HttpRequest, _P], HttpResponse], url_name: str
) -> Callable[Concatenate[HttpRequest, _P], HttpResponse]:
    """Return a view that redirects other methods than POST to ``url_name``, with a message.

    If a session has ended when a form is sent, the sign-in page leads to the form's URL with GET.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: _P.args, **kwargs: _P.kwargs) -> HttpResponse:
        if request.method == "POST":
            return view(request, *args, **kwargs)
        messages.warning(request, "Nothing was changed, because you were signed out. Try again.")
        return redirect(url_name)

    return wrapped
