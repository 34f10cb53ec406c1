"""Requests whose head Django reads as the client wants it, or not at all."""

from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest
from django.utils.http import parse_header_parameters


class _TolerantRequest(HttpRequest):
    """Takes a Content-Type whose parameters cannot be decoded for one without parameters, and
    every request for UTF-8.

    Django reads even the query in the charset that a Content-Type names: among Python's are some
    that read no text at all, and the same query would be another question for each.

    It decodes an extended parameter (``x*=charset''value``, RFC 8187) with whatever charset
    the client names, while it makes the request: where there is none of that name, no middleware
    could answer the error.
    """

    def _set_content_type_params(self, meta: Any) -> None:
        given = meta.get("CONTENT_TYPE", "")
        try:
            self.content_type, self.content_params = parse_header_parameters(given)
        except (LookupError, ValueError):
            self.content_type, self.content_params = given.partition(";")[0].strip(), {}


class TolerantWSGIRequest(_TolerantRequest, WSGIRequest):
    """A request from a WSGI server."""


class TolerantASGIRequest(_TolerantRequest, ASGIRequest):
    """A request from an ASGI server."""


class TolerantWSGIHandler(WSGIHandler):
    """The WSGI application."""

    request_class = TolerantWSGIRequest


class TolerantASGIHandler(ASGIHandler):
    """The ASGI application."""

    request_class = TolerantASGIRequest
