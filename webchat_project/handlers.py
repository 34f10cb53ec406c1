"""Request classes and handlers that accept any charset and a malformed Content-Type."""

from collections.abc import Mapping

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest
from django.utils.http import parse_header_parameters


class _TolerantRequest(HttpRequest):
    """Always uses UTF-8, and ignores parameters of the Content-Type that cannot be decoded.

    Django decodes query strings and forms with the charset of the Content-Type. Some of Python's
    codecs cannot decode text, and one query string would have several meanings. Extended parameters
    (``x*=charset''value``, RFC 8187) are decoded when the request is created, with any charset.
    An error there would occur before middleware can handle it.
    """

    def _set_content_type_params(self, meta: Mapping[str, str]) -> None:
        content_type = meta.get("CONTENT_TYPE", "")
        try:
            self.content_type, self.content_params = parse_header_parameters(content_type)
        except (LookupError, ValueError):
            self.content_type, self.content_params = content_type.partition(";")[0].strip(), {}


class TolerantWSGIRequest(_TolerantRequest, WSGIRequest):
    """A ``WSGIRequest`` that tolerates a malformed Content-Type."""


class TolerantASGIRequest(_TolerantRequest, ASGIRequest):
    """An ``ASGIRequest`` that tolerates a malformed Content-Type."""


class TolerantWSGIHandler(WSGIHandler):
    """A WSGI application whose requests are ``TolerantWSGIRequest``."""

    request_class = TolerantWSGIRequest


class TolerantASGIHandler(ASGIHandler):
    """An ASGI application whose requests are ``TolerantASGIRequest``."""

    request_class = TolerantASGIRequest
