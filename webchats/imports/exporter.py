"""The export of webchats to a file."""

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from webchats.examples import REQUEST
from webchats.imports.columns import EXPORTED, MODEL_FIELDS, REQUIRED
from webchats.imports.formats import FORMATS
from webchats.models import Webchat

_CHUNK: Final = 2_000
_ICON: Final = EXPORTED.index("icon")
#: The columns of a sample: those that a new row must have, and the most common others.
_SAMPLE: Final = (
    *("prompt" if name == "promptId" else name for name in REQUIRED),
    "description",
    "starterMessage",
    "isEnabled",
)


def export(webchats: QuerySet[Webchat], format_name: str) -> Iterator[bytes]:
    """Yield the bytes of a file with the webchats. Icons are storage keys."""
    return FORMATS[format_name].write(EXPORTED, read_rows(webchats))


def read_rows(webchats: QuerySet[Webchat]) -> Iterator[list[object]]:
    """Yield the values of each webchat in the order of ``EXPORTED``."""
    rows = webchats.values_list(*(MODEL_FIELDS[name] for name in EXPORTED))
    return map(_row, rows.iterator(chunk_size=_CHUNK))


def _row(values: tuple[object, ...]) -> list[object]:
    row = list(values)
    row[_ICON] = row[_ICON] or None
    return row


def export_response(webchats: QuerySet[Webchat], format_name: str) -> StreamingHttpResponse:
    """Return a streaming response: the file as the download ``webchats.FORMAT``."""
    return _to_response(export(webchats, format_name), format_name)


def sample_response(prompt_name: str, format_name: str) -> StreamingHttpResponse:
    """Return a file to import as a download, with one new webchat that has this prompt."""
    values = [{**REQUEST, "prompt": prompt_name}[name] for name in _SAMPLE]
    return _to_response(FORMATS[format_name].write(_SAMPLE, [values]), format_name)


def _to_response(chunks: Iterator[bytes], format_name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        chunks,
        content_type=FORMATS[format_name].content_type,
        headers={"Content-Disposition": f'attachment; filename="webchats.{format_name}"'},
    )
