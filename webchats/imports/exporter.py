"""Webchats as rows of a file. Icons go out as their keys, never as URLs."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import QuerySet

from webchat_project.api.serializers import model_name_of
from webchats.imports.columns import EXPORTED
from webchats.imports.formats import writers
from webchats.models import Webchat

_FIELDS: Final = tuple(
    Webchat._meta.get_field(model_name_of(Webchat, name)).attname  # type: ignore[union-attr]
    for name in EXPORTED
)
_ICON: Final = EXPORTED.index("icon")
_CHUNK: Final = 2_000


def export(webchats: QuerySet[Webchat], format_name: str) -> Iterator[bytes]:
    """The bytes of a file with these webchats, in their order."""
    rows = webchats.values_list(*_FIELDS).iterator(chunk_size=_CHUNK)
    return writers.write(format_name, EXPORTED, _documents(rows))


def _documents(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[Any]]:
    for row in rows:
        values = list(row)
        values[_ICON] = values[_ICON] or None
        yield values
