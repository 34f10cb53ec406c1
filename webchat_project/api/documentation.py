"""The OpenAPI document and the interactive page."""

from collections.abc import Iterable

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
    """The OpenAPI document: ``?format=json``, ``?format=yaml`` or as ``Accept`` says."""

    content_negotiation_class = FormatNegotiation

    def handle_exception(self, exc: Exception) -> Response:
        """Return the error as JSON, whatever format was requested."""
        renderer = OrjsonRenderer()
        self.request.accepted_renderer = renderer
        self.request.accepted_media_type = str(renderer.media_type)
        return super().handle_exception(exc)


class DocumentationView(SpectacularSwaggerSplitView):
    """Swagger UI for the OpenAPI document."""

    template_name = "api/docs.html"
