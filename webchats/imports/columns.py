"""The names of a file's columns, and how the value of a cell becomes the value of a model's field.

A sheet and a CSV file hold text; JSON holds values of its own types. Both end at the model field's
own ``clean()``: what a valid value is, is not said here.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models

from webchat_project.api import fields as json_types
from webchat_project.api.serializers import model_name_of
from webchats.fields import AllowedDomainsField
from webchats.models import Webchat
from webchats.serializers import WebchatSerializer

#: Of the document, but never taken from a file: they follow from who imports, and when.
READ_ONLY: Final = ("organizationId", "userId", "createdBy", "createdAt", "updatedAt")
#: What an export writes and an import reads, in the document's order.
EXPORTED: Final = tuple(name for name in WebchatSerializer.Meta.fields if name not in READ_ONLY)
#: A name in place of an id: column → the document's name for the same.
NAMED: Final = {"prompt": "promptId", "pipeline": "pipelineId", "stage": "pipelineStage"}
#: What a file of rejects says about a row, and an import passes over.
REMARKS: Final = ("_line", "_errors")

KNOWN: Final = frozenset((*EXPORTED, *READ_ONLY, *NAMED, *REMARKS))
IGNORED: Final = frozenset((*READ_ONLY, *REMARKS))
REFERENCES: Final = frozenset(("promptId", "pipelineId", "pipelineStage", *NAMED))
#: The columns that are neither the key nor refer to another row or a stored object.
VALUES: Final = tuple(
    name for name in EXPORTED if name not in REFERENCES and name not in ("_id", "icon")
)

#: One row of a file after its values are read seldom differs from the last in more than its name.
#: So much is remembered for each column: enough for what repeats, little beside the process.
_REMEMBERED: Final = 2_048

#: A name that is longer resembles none; one row or header with more names than this is no webchat.
_LONGEST_HINTED: Final = 64
MOST_COLUMNS: Final = 2 * len(KNOWN)

_BOOLEANS: Final = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")


class Formula(str):
    """The text of a cell that a spreadsheet would compute."""

    __slots__ = ()


@lru_cache(maxsize=_REMEMBERED)
def unknown_column(name: str) -> str:
    """What to say about a name that the document does not have."""
    if not name:
        return "A column has no name."
    if len(name) > _LONGEST_HINTED:
        return "There is no such column."
    by_lower = {known.lower(): known for known in sorted(KNOWN)}
    nearest = difflib.get_close_matches(name.strip().lower(), by_lower, n=1, cutoff=0.5)
    hint = f" Did you mean {by_lower[nearest[0]]}?" if nearest else ""
    return f"There is no such column.{hint}"


def model_field_of(name: str) -> Any:
    """The model's field behind the document's ``name``."""
    return Webchat._meta.get_field(model_name_of(Webchat, name))


def is_required(name: str) -> bool:
    """Whether a new row must have the column."""
    field = WebchatSerializer._declared_fields.get(name)
    if field is not None:
        return bool(field.required)
    column = model_field_of(name)
    if isinstance(column, AllowedDomainsField):
        # An empty list opens the widget to every site: to be said, not to be left out.
        return True
    return not (column.has_default() or column.null or column.blank)


REQUIRED: Final = tuple(name for name in EXPORTED if name != "_id" and is_required(name))


def _refuse(message: Any, code: str = "invalid") -> ValidationError:
    return ValidationError(str(message), code=code)


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise _refuse("Must be true or false (or yes, no, 1, 0).") from None


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _refuse(json_types.IntegerField.default_error_messages["invalid"])
    return int(text)


def _text(text: str) -> str:
    return text


def _typed(kind: type, message: Any) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if kind is int and isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _refuse(message)
        return value

    return read


def _strings(value: Any) -> Any:
    # A tuple: what is remembered must not be changeable.
    return list(value) if isinstance(value, tuple) else value


def _readers(field: Any) -> tuple[Callable[[str], Any], Callable[[Any], Any]]:
    """How to read the field's text, and its JSON."""
    if isinstance(field, models.BooleanField):
        return _boolean, _typed(bool, json_types.BooleanField.default_error_messages["invalid"])
    if isinstance(field, models.IntegerField):
        return _integer, _typed(int, json_types.IntegerField.default_error_messages["invalid"])
    if isinstance(field, AllowedDomainsField):
        return str.split, _strings
    return _text, _typed(str, json_types.StringField.default_error_messages["invalid"])


def _checked(name: str, *, typed: bool) -> Callable[[Any], Any]:
    """Read a cell, and then apply the field's own rules as ``Model.clean_fields()`` does."""
    field, required = model_field_of(name), is_required(name)
    read = _readers(field)[typed]

    @lru_cache(maxsize=_REMEMBERED, typed=True)
    def value_of(cell: Any) -> Any:
        if isinstance(cell, Formula):
            raise _refuse(
                "A formula is not a value. Put the value itself; in CSV, text that begins with = "
                "is written with an apostrophe before it."
            )
        if cell is None:
            if required:
                raise _refuse(field.error_messages["null"], "null")
            return field.get_default()
        value = read(cell)
        if field.blank and value in field.empty_values:
            return value
        return field.clean(value, None)

    return value_of


_FROM_TEXT: Final = {name: _checked(name, typed=False) for name in VALUES}
_FROM_JSON: Final = {name: _checked(name, typed=True) for name in VALUES}


def value_readers(*, typed: bool) -> dict[str, Callable[[Any], Any]]:
    """By column: cell → valid value of the field, or ``ValidationError``."""
    return _FROM_JSON if typed else _FROM_TEXT


def hashable(value: Any) -> Any:
    """A JSON value in a form that can be looked up; what has none is no value of ours."""
    if isinstance(value, list):
        return tuple(entry if isinstance(entry, str) else None for entry in value)
    return value if isinstance(value, str | int | float) or value is None else _NoValue


class _NoValue:
    """Stands for a JSON object: no column holds one."""


def unknown_columns(names: Iterable[str]) -> list[tuple[str, str]]:
    """The unknown ones among the names of a header, each with what to say."""
    return [(name, unknown_column(name)) for name in names if name not in KNOWN]
