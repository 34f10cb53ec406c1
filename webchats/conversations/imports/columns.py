"""The columns of a file of knowledge entries, and the conversion between cells and values.

Columns are named like the fields of the API. In a cell of CSV and XLSX files, wordings and names of
prompts are separated by line breaks, ids by spaces or line breaks.
"""

from collections.abc import Callable, Iterator
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from rest_framework.fields import Field

from organizations.models import Prompt
from webchat_project.api.names import model_field_name
from webchat_project.api.object_ids import validate_object_id
from webchats.conversations.api.knowledge import KnowledgeSerializer
from webchats.conversations.models import KnowledgeEntry
from webchats.imports.columns import REJECT_COLUMNS, parse_boolean
from webchats.imports.formats import TEXT_FORMATS

_READ_ONLY: Final = ("organizationId", "createdAt", "updatedAt")
#: The columns of an export.
EXPORTED: Final = tuple(name for name in KnowledgeSerializer.Meta.fields if name not in _READ_ONLY)
#: A column with the names of prompts, in place of their ids.
PROMPTS: Final = "prompts"
USED: Final = (*EXPORTED, PROMPTS)
KNOWN: Final = frozenset((*USED, *_READ_ONLY, *REJECT_COLUMNS))

#: The columns that hold values of model fields, by model field.
VALUE_COLUMNS: Final = {
    model_field_name(KnowledgeEntry, name): name
    for name in EXPORTED
    if name not in ("_id", "promptIds")
}
_FIELDS: Final = {field.name: field for field in KnowledgeEntry._meta.concrete_fields}
_API_FIELDS: Final = KnowledgeSerializer().fields
#: Entries that are in memory, each with up to 500 prompts.
_CHUNK: Final = 20


#: The error of a column that a new row must have.
REQUIRED: Final = str(Field.default_error_messages["required"])


def parse_id(cell: object) -> str | None:
    """Return the id in a cell, ``None`` for an empty one. Raise ``ValidationError`` for others."""
    if cell is None:
        return None
    text = cell.strip() if isinstance(cell, str) else ""
    validate_object_id(text)
    return text


def split_lines(text: str) -> list[str]:
    """Return the lines of a cell that are not blank."""
    return [line.strip() for line in text.splitlines() if line.strip()]


_PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "alsoAskedAs": split_lines,
    "isActive": parse_boolean,
    "promptIds": str.split,
    PROMPTS: split_lines,
}


def parse(column: str, cell: object, *, is_json: bool) -> object:
    """Return the value of a cell: of a model field, or a list of ids or names of prompts.

    Raise ``ValidationError``: the serializer's for a JSON value of the wrong type, Django's for
    every other invalid value.
    """
    if column == PROMPTS and is_json:
        if not isinstance(cell, list) or not all(isinstance(name, str) for name in cell):
            raise ValidationError("Must be a list of strings.", code="invalid")
        value: object = cell
    elif is_json:
        value = _API_FIELDS[column].run_validation(cell)
    else:
        value = _PARSERS.get(column, str)(str(cell))
    if column in (PROMPTS, "promptIds"):
        if isinstance(value, list) and len(value) > Prompt.max_per_organization:
            message = f"Ensure this field has no more than {Prompt.max_per_organization} entries."
            raise ValidationError(message, code="max_length")
        return value
    field = _FIELDS[model_field_name(KnowledgeEntry, column)]
    return field.get_default() if value is None else field.clean(value, None)


def read_rows(entries: QuerySet[KnowledgeEntry], format_name: str) -> Iterator[list[object]]:
    """Yield the values of each entry in the order of ``EXPORTED``, for a file of the format."""
    names = [model_field_name(KnowledgeEntry, name) for name in EXPORTED[:-1]]
    is_text = format_name in TEXT_FORMATS
    # In place of lookups that the queryset may have.
    entries = entries.prefetch_related(None).prefetch_related(
        Prefetch("prompts", Prompt.objects.only("name"))
    )
    for entry in entries.iterator(chunk_size=_CHUNK):
        values = [getattr(entry, name) for name in names]
        ids = [prompt.pk for prompt in entry.prompts.all()]
        if is_text:
            values = ["\n".join(value) if isinstance(value, list) else value for value in values]
        yield [*values, " ".join(ids) if is_text else ids]


def prompts_by_name(organization_id: str) -> dict[str, list[str]]:
    """Return the ids of the organization's prompts by name, which several can have."""
    found: dict[str, list[str]] = {}
    prompts = Prompt.objects.for_organization(organization_id)
    for pk, name in prompts.values_list("pk", "name"):
        found.setdefault(name, []).append(pk)
    return found
