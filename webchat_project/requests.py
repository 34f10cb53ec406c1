"""Requests that Django cannot read the head of."""

from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest


class _TolerantRequest(HttpRequest):
    """Takes a Content-Type whose parameters cannot be decoded for one without parameters.

    Django decodes an extended parameter (``x*=charset''value``, RFC 8187) with whatever charset
    the client names, while it makes the request: where there is none of that name, no middleware
    could answer the error.
    """

    def _set_content_type_params(self, meta: Any) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (LookupError, ValueError):
            self.content_type = meta.get("CONTENT_TYPE", "").partition(";")[0].strip()
            self.content_params = {}


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
