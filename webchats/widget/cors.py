"""CORS headers of the widget's responses to scripts on customers' pages."""

from django.http.response import HttpResponseBase


def set_cors_headers(response: HttpResponseBase, origin: str | None) -> None:
    """Let scripts of ``origin`` read the response (CORS). The origin must have been checked."""
    if origin is not None and origin.isascii() and origin.isprintable():
        response.headers["Access-Control-Allow-Origin"] = origin
