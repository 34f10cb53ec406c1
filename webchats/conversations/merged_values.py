"""The values of two contacts that become one, and of both when that is undone."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias, TypedDict

from django.db import models

from organizations.models import Pipeline, Stage
from webchats.conversations.models import Contact
from webchats.models import Webchat

#: The columns that a person chooses the value of, by the field of the API that names the choice.
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "name": ("name",),
    "email": ("email",),
    "phone": ("phone",),
    "stageId": ("pipeline_id", "stage_id"),
    "status": ("status",),
}
_PAGE: Final = ("page_url", "page_title", "referrer")
_FIELDS: Final[dict[str, "models.Field[object, object]"]] = {
    field.attname: field
    for field in Contact._meta.concrete_fields
    if field.name not in ("id", "organization")
}

#: The values of a contact by column, as JSON.
Values: TypeAlias = dict[str, str | None]


class KeptValues(TypedDict):
    """The columns of the contact that stays which a merge changes."""

    before: Values
    after: Values


def default_choices(kept: Contact, removed: Contact) -> list[str]:
    """Return the choices for which only ``removed`` has a value."""
    return [
        name
        for name, (*_, column) in CHOICES.items()
        if getattr(removed, column) and not getattr(kept, column)
    ]


def combine(kept: Contact, removed: Contact, take: Collection[str]) -> None:
    """Set the values of ``kept``: those of ``removed`` for the choices in ``take``.

    Of the visits, the first and the last of both count.
    """
    for name in take:
        for column in CHOICES[name]:
            setattr(kept, column, getattr(removed, column))
    kept.locale = kept.locale or removed.locale
    if removed.first_seen_at < kept.first_seen_at:
        kept.first_seen_at = removed.first_seen_at
        kept.webchat_id = removed.webchat_id or kept.webchat_id
    kept.webchat_id = kept.webchat_id or removed.webchat_id
    if removed.last_seen_at > kept.last_seen_at:
        kept.last_seen_at = removed.last_seen_at
        for column in _PAGE:
            setattr(kept, column, getattr(removed, column))


def dump_values(contact: Contact, columns: Iterable[str] = _FIELDS) -> Values:
    """Return values of a contact for a column of JSON."""
    return {column: _dump(getattr(contact, column)) for column in columns}


def _dump(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    assert value is None or isinstance(value, str)
    return value


def load_values(contact: Contact, values: Mapping[str, str | None]) -> None:
    """Set the values of ``dump_values``, without references to rows that were deleted since."""
    for column, value in values.items():
        setattr(contact, column, _FIELDS[column].to_python(value))
    for column, model in (("webchat_id", Webchat), ("pipeline_id", Pipeline), ("stage_id", Stage)):
        pk = values.get(column)
        if pk and not model._default_manager.filter(pk=pk).exists():
            setattr(contact, column, None)
    if contact.pipeline_id is None:
        contact.stage_id = None


def unchanged_since(contact: Contact, kept: KeptValues) -> Values:
    """Return the values before the merge of the columns that still have the value after it.

    A pipeline and its stage, and the columns of a page, belong together.
    """
    current = dump_values(contact, kept["after"])
    changed = {column for column, value in kept["after"].items() if current[column] != value}
    for columns in (CHOICES["stageId"], _PAGE):
        if changed & {*columns}:
            changed |= {*columns}
    return {column: value for column, value in kept["before"].items() if column not in changed}
