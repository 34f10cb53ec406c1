"""The export of webchats to a file."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from organizations.models import User
from webchats.examples import REQUEST
from webchats.imports.columns import EXPORTED, MODEL_FIELDS, REQUIRED
from webchats.imports.concurrency import start_export
from webchats.imports.formats import FORMATS
from webchats.models import Webchat

_CHUNK: Final = 2_000
#: The most bytes of an unpacked workbook. It is a temporary file, and those of all requests share
#: 256 MiB of memory (``tmpfs`` in ``compose.yaml``).
MAX_WORKBOOK_BYTES: Final = 32 * 1024 * 1024
#: The markup of a cell.
_CELL_BYTES: Final = 50
_ICON: Final = EXPORTED.index("icon")
#: The columns of a sample: those that a new row must have, and the most common others.
_SAMPLE: Final = (
    *("prompt" if name == "promptId" else name for name in REQUIRED),
    "description",
    "starterMessage",
    "isEnabled",
)


class WorkbookTooLarge(Exception):
    """The rows need larger temporary files than those of a request may be."""

    def __str__(self) -> str:
        limit = MAX_WORKBOOK_BYTES >> 20
        return f"The workbook would be larger than {limit} MiB. Filter the webchats, or export CSV."


def read_rows(webchats: QuerySet[Webchat]) -> Iterator[list[object]]:
    """Yield the values of each webchat in the order of ``EXPORTED``. Icons are storage keys."""
    rows = webchats.values_list(*(MODEL_FIELDS[name] for name in EXPORTED))
    return map(_row, rows.iterator(chunk_size=_CHUNK))


def _row(values: tuple[object, ...]) -> list[object]:
    row = list(values)
    row[_ICON] = row[_ICON] or None
    return row


class ExportResponse(StreamingHttpResponse):
    """A streaming response that ends the count of its export when it is closed.

    The server closes it after the last chunk, and when the client has disconnected.
    """

    def __init__(
        self, chunks: Iterator[bytes], headers: dict[str, str], end: Callable[[], None]
    ) -> None:
        # Also for a response that is never closed, because of an error in a middleware.
        self._end = weakref.finalize(self, end)
        super().__init__(chunks, headers=headers)

    def close(self) -> None:
        """Close the content, and end the count."""
        try:
            super().close()
        finally:
            self._end()


def export_response(
    webchats: QuerySet[Webchat], format_name: str, *, user: User
) -> StreamingHttpResponse:
    """Return the webchats as a download, as ``rows_response`` does."""
    return rows_response(EXPORTED, read_rows(webchats), format_name, name="webchats", user=user)


def rows_response(
    columns: Sequence[str],
    rows: Iterator[list[object]],
    format_name: str,
    *,
    name: str,
    user: User,
) -> StreamingHttpResponse:
    """Return a streaming response: the file as the download ``NAME.FORMAT``.

    Raise ``ExportsBusy`` if another export of the user's organization or ``MAX_EXPORTS`` run, and
    ``WorkbookTooLarge``.
    """
    end = start_export(user.organization_id or user.pk)
    try:
        is_workbook = format_name == "xlsx"
        chunks: Iterator[bytes] = FORMATS[format_name].write(
            columns, _limit_size(rows) if is_workbook else rows
        )
        if is_workbook:
            # Complete before the response starts, as its errors need a status.
            chunks = chain([next(chunks)], chunks)
    except BaseException:
        end()
        raise
    return ExportResponse(chunks, _headers(format_name, name), end)


def _limit_size(rows: Iterator[list[object]]) -> Iterator[list[object]]:
    """Yield the rows. Raise ``WorkbookTooLarge`` if they are longer than ``MAX_WORKBOOK_BYTES``."""
    size = 0
    for row in rows:
        size += sum(_CELL_BYTES + len(str(value).encode()) for value in row)
        if size > MAX_WORKBOOK_BYTES:
            raise WorkbookTooLarge
        yield row


def sample_response(prompt_name: str, format_name: str) -> StreamingHttpResponse:
    """Return a file to import as a download, with one new webchat that has this prompt."""
    values = [{**REQUEST, "prompt": prompt_name}[name] for name in _SAMPLE]
    return sample_file(_SAMPLE, values, format_name, name="webchats")


def sample_file(
    columns: Sequence[str], values: Sequence[object], format_name: str, *, name: str
) -> StreamingHttpResponse:
    """Return a file with one row as a download."""
    chunks = FORMATS[format_name].write(columns, [values])
    return StreamingHttpResponse(chunks, headers=_headers(format_name, name))


def _headers(format_name: str, name: str) -> dict[str, str]:
    return {
        "Content-Type": FORMATS[format_name].content_type,
        "Content-Disposition": f'attachment; filename="{name}.{format_name}"',
    }
