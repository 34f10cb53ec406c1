"""The columns of a file: their names, and the conversion between cells and field values.

Columns are named like the fields of the API. Cells of CSV and XLSX files are strings. Cells of JSON
files are JSON values, whose types the serializer checks as in a request. Every value is
validated by its model field: no rule is defined here.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from django.core.exceptions import ValidationError
from django.db import models

from webchat_project.api.fields import IntegerField
from webchat_project.api.names import model_field_name
from webchats.fields import AllowedDomainsField
from webchats.imports.rows import FileRefused, ImportProblem
from webchats.models import Webchat
from webchats.serializers import WebchatSerializer

# --- Names ---

#: Fields of the API that an import ignores, because the importer sets them.
READ_ONLY: Final = ("organizationId", "userId", "createdBy", "createdAt", "updatedAt")
#: The columns of an export.
EXPORTED: Final = tuple(name for name in WebchatSerializer.Meta.fields if name not in READ_ONLY)
#: Columns that refer to a row by its name, and the columns that refer to it by its id.
NAME_COLUMNS: Final = {"prompt": "promptId", "pipeline": "pipelineId", "stage": "pipelineStage"}
#: Columns that ``Rejects`` adds. An import ignores them.
REJECT_COLUMNS: Final = ("_line", "_errors")
#: The columns whose cells are imported.
IMPORTED: Final = frozenset((*EXPORTED, *NAME_COLUMNS))
KNOWN: Final = frozenset((*EXPORTED, *READ_ONLY, *NAME_COLUMNS, *REJECT_COLUMNS))
#: A header or row with more columns is malformed.
MAX_COLUMNS: Final = 2 * len(KNOWN)

#: The model field of each exported column.
MODEL_FIELDS: Final = {name: model_field_name(Webchat, name) for name in EXPORTED}

_API_FIELDS: Final = WebchatSerializer().fields
#: The columns that a new row must have.
REQUIRED: Final = tuple(name for name in EXPORTED if _API_FIELDS[name].required)

#: The beginning of the error for a column that is not known.
UNKNOWN_COLUMN: Final = "Unknown column."
#: The error for a longer name suggests no known one.
_MAX_COMPARED_LENGTH: Final = 64


def unknown_column(
    name: str, known_names: frozenset[str] = KNOWN, used: tuple[str, ...] = ()
) -> str:
    """Return the error message for a column that is not among ``known_names``.

    It suggests the nearest one, or else lists ``used``.
    """
    if not name:
        return "The column has no name."
    if nearest := find_nearest(name, known_names):
        return f"{UNKNOWN_COLUMN} Did you mean {nearest}?"
    return f"{UNKNOWN_COLUMN} The columns are {', '.join(used)}." if used else UNKNOWN_COLUMN


def find_nearest(name: str, known_names: frozenset[str]) -> str:
    """Return the nearest known name, or an empty text.

    A long name is neither compared nor cached: the cache lives as long as the process.
    """
    return "" if len(name) > _MAX_COMPARED_LENGTH else _find_nearest(name, known_names)


@lru_cache(maxsize=2_048)
def _find_nearest(name: str, known_names: frozenset[str]) -> str:
    """Return the nearest known name, or an empty text.

    Cached, because a misspelled name occurs in many rows, and the comparison takes longer than the
    rest of the row.
    """
    by_lower = {known.lower(): known for known in sorted(known_names)}
    nearest = difflib.get_close_matches(name.strip().lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[nearest[0]] if nearest else ""


def header_problems(
    header: list[str] | None, known_names: frozenset[str], used: tuple[str, ...]
) -> list[ImportProblem]:
    """Return a problem for each unknown and each duplicate column, none without a header.

    Raise ``FileRefused`` for a header with too many columns.
    """
    header = header or []
    # As in ``MAX_COLUMNS``.
    maximum = 2 * len(known_names)
    if len(header) > maximum:
        raise FileRefused(f"Too many columns: {len(header):,}. The maximum is {maximum}.", 1)
    unknown = [
        ImportProblem(1, name, unknown_column(name, known_names, used))
        for name in header
        if name not in known_names
    ]
    duplicates = sorted(name for name, count in Counter(header).items() if count > 1)
    return unknown + [ImportProblem(1, name, "Duplicate column.") for name in duplicates]


# --- Values ---

_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")
#: The number of values that are cached, for all columns together.
_CACHED_VALUES: Final = 4_096
#: Values of longer cells are not cached.
_MAX_CACHED_LENGTH: Final = 500


def parse_boolean(text: str) -> bool:
    """Return the boolean in a cell. Raise ``ValidationError`` for other texts."""
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        message = "Must be true or false (or yes, no, 1, 0)."
        raise ValidationError(message, code="invalid") from None


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValidationError(IntegerField.default_error_messages["invalid"], code="invalid")
    return int(text)


def _get_parser(field: object) -> Callable[[str], object]:
    match field:
        case models.BooleanField():
            return parse_boolean
        case models.IntegerField():
            return _integer
        case AllowedDomainsField():
            return str.split
    return str


_FIELDS: Final = {field.name: field for field in Webchat._meta.concrete_fields}
#: The model fields of the columns that hold values, not ids, names of rows or icons.
VALUE_FIELDS: Final = {
    column: _FIELDS[name]
    for column, name in MODEL_FIELDS.items()
    if column not in ("_id", "icon") and not _FIELDS[name].is_relation
}
_PARSERS: Final = {column: _get_parser(field) for column, field in VALUE_FIELDS.items()}


def parse_text(column: str, text: str) -> object:
    """Return the validated value of a cell. Raise ``ValidationError`` if it is invalid.

    Values are cached, because most cells repeat a cell of an earlier row. Without the cache, an
    import takes 1.2 times as long.
    """
    if len(text) > _MAX_CACHED_LENGTH:
        return _parse_text(column, text)
    return _cached_parse_text(column, text)


def _parse_text(column: str, text: str) -> object:
    return VALUE_FIELDS[column].clean(_PARSERS[column](text), None)


_cached_parse_text: Final = lru_cache(maxsize=_CACHED_VALUES)(_parse_text)


def parse_json(column: str, cell: object) -> object:
    """Return the validated value of a cell; the field's default for ``None``.

    Raise ``ValidationError``: the serializer's for a value of the wrong type or a ``None`` that is
    not allowed, Django's for every other invalid value.
    """
    value: object = _API_FIELDS[column].run_validation(cell)
    field = VALUE_FIELDS[column]
    return field.get_default() if value is None else field.clean(value, None)


def to_cell(value: object) -> str | float:
    """Convert a value to a cell of a CSV or XLSX file: a string or a number.

    Lists of strings are joined by spaces. ``None`` and ``...`` become an empty cell.
    """
    if isinstance(value, str):
        return value
    if value is None or value is ...:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False)
