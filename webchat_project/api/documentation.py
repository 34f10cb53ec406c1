"""The OpenAPI document and the interactive page."""

import hashlib
from collections.abc import Iterable
from functools import cache
from threading import Lock
from typing import Final, NamedTuple

from django.http import HttpResponseBase
from django.http.response import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.encoding import force_bytes
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from webchat_project.api.renderers import OrjsonRenderer

#: The media type of each value of the parameter ``format``.
_FORMATS = {
    "json": "application/vnd.oai.openapi+json",
    "yaml": "application/vnd.oai.openapi",
}


#: Held while a document is generated: the generator has global state.
_generating: Final = Lock()


class Representation(NamedTuple):
    """The OpenAPI document in a format, with its ``ETag``."""

    content: bytes
    etag: str


@cache
def generate(renderer_class: type[BaseRenderer]) -> Representation:
    """Return the document as a renderer writes it. Not thread-safe: see ``get_representation``."""
    document = SchemaGenerator().get_schema(public=True)
    content = force_bytes(renderer_class().render(document, renderer_class.media_type, {}))
    return Representation(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def get_representation(renderer_class: type[BaseRenderer]) -> Representation:
    """Return the document as a renderer writes it. A process generates each one once."""
    with _generating:
        # mypy takes the ``__hash__`` of instances for that of the class.
        return generate(renderer_class)  # type: ignore[arg-type]


class FormatNegotiation(DefaultContentNegotiation):
    """Selects the renderer by the query parameter ``format``, or else by the ``Accept`` header."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        requested = request.query_params.get("format")
        if requested is None:
            selected: tuple[BaseRenderer, str] = super().select_renderer(
                request, renderers, format_suffix
            )
            return selected
        if requested not in _FORMATS:
            message = f"Must be one of: {', '.join(_FORMATS)}."
            raise ValidationError({"format": [ErrorDetail(message, "invalid_choice")]})
        media_type = _FORMATS[requested]
        renderer = next(one for one in renderers if one.media_type == media_type)
        return renderer, media_type


class SchemaView(SpectacularAPIView):
    """The OpenAPI document: ``?format=json``, ``?format=yaml`` or by ``Accept``."""

    content_negotiation_class = FormatNegotiation

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: object, **kwargs: object) -> HttpResponseBase:
        """Return the document, which is the same for everyone, or 304 for ``If-None-Match``."""
        renderer = request.accepted_renderer
        representation = get_representation(type(renderer))
        media_type = str(renderer.media_type)
        content_type = f"{media_type}; charset=utf-8" if renderer.charset else media_type
        headers = {
            "Cache-Control": "no-cache",
            "Content-Disposition": f'inline; filename="Webchats.{renderer.format}"',
            "ETag": representation.etag,
        }
        response = HttpResponse(representation.content, content_type, headers=headers)
        return get_conditional_response(request, representation.etag, response=response) or response

    def handle_exception(self, exc: Exception) -> Response:
        """Return the error as JSON, whatever format was requested."""
        renderer = OrjsonRenderer()
        self.request.accepted_renderer = renderer
        self.request.accepted_media_type = str(renderer.media_type)
        return super().handle_exception(exc)


class DocumentationView(SpectacularSwaggerSplitView):
    """Swagger UI for the OpenAPI document."""

    template_name = "api/docs.html"
