"""Webchats as a file that a browser saves."""

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from webchats.imports.exporter import export
from webchats.imports.formats.writers import CONTENT_TYPES
from webchats.models import Webchat


def download(webchats: QuerySet[Webchat], format_name: str) -> StreamingHttpResponse:
    """The file, sent while it is written."""
    return StreamingHttpResponse(
        export(webchats, format_name),
        content_type=CONTENT_TYPES[format_name],
        headers={
            "Content-Disposition": f'attachment; filename="webchats.{format_name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
