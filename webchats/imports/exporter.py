"""The export of webchats to a file."""

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from webchats.imports.columns import EXPORTED, MODEL_FIELDS
from webchats.imports.formats import FORMATS
from webchats.models import Webchat

_CHUNK: Final = 2_000
_ICON: Final = EXPORTED.index("icon")


def export(webchats: QuerySet[Webchat], format_name: str) -> Iterator[bytes]:
    """Yield the bytes of a file with the webchats. Icons are storage keys."""
    rows = webchats.values_list(*(MODEL_FIELDS[name] for name in EXPORTED))
    return FORMATS[format_name].write(EXPORTED, map(_row, rows.iterator(chunk_size=_CHUNK)))


def _row(values: tuple[object, ...]) -> list[object]:
    row = list(values)
    row[_ICON] = row[_ICON] or None
    return row


def export_response(webchats: QuerySet[Webchat], format_name: str) -> StreamingHttpResponse:
    """Return a streaming response: the file as the download ``webchats.FORMAT``."""
    return StreamingHttpResponse(
        export(webchats, format_name),
        content_type=FORMATS[format_name].content_type,
        headers={"Content-Disposition": f'attachment; filename="webchats.{format_name}"'},
    )
