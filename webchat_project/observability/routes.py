"""The name of a request's route: as many as the URLconf has, whatever clients ask for."""

from functools import cache

from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.http import HttpRequest

UNKNOWN = "(unknown)"
STATIC = "(static)"
#: What is asked every few seconds, and says nothing while all is well.
QUIET = frozenset({"/healthz", "/readyz", "/metrics", STATIC})

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_of(request: HttpRequest) -> str:
    """Such as ``/api/webchats/<pk>``: never the path, in which a client may write anything."""
    match = request.resolver_match
    if match is not None:
        return readable(match.route)
    if request.path_info in QUIET:  # answered before addresses are resolved
        return request.path_info
    return STATIC if request.path_info.startswith(settings.STATIC_URL) else UNKNOWN


def method_of(request: HttpRequest) -> str:
    """The request's method, or ``OTHER`` for a word of the client's own."""
    return request.method if request.method in METHODS else "OTHER"


@cache
def readable(route: str) -> str:
    """Such as ``/widget/<str:webchat_id>``, of the URLconf's own text."""
    return simplify_regex(route)
