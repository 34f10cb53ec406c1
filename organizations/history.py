"""Who changed what, when, and from what to what: the recorded versions of a row, compared."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain, pairwise
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from organizations.tenancy.models import TenantQuerySet

#: Versions shown; an older one is still recorded.
LATEST = 100
#: What follows from other fields, or never changes.
_SILENT = frozenset({"id", "organization", "created_at", "updated_at"})
_VERBS = {"+": "Created", "~": "Changed", "-": "Deleted"}


class _Manager(HistoryManager):
    """The library's manager, whose class it would make anew for each row that is saved."""

    @classmethod
    @cache
    def from_queryset(cls, queryset_class: Any, class_name: str | None = None) -> Any:
        return super().from_queryset(queryset_class, class_name)


class ChangeRecords(HistoricalRecords):
    """Records who saved or deleted a row, when, and what it was then."""

    def __init__(self, **options: Any) -> None:
        super().__init__(history_manager=_Manager, **options)


@dataclass(frozen=True)
class Change:
    """One field's step from one version to the next, in words."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class Version:
    """One save."""

    verb: str
    at: datetime
    user: AbstractBaseUser | None
    changes: list[Change]


def versions_of(row: Any) -> list[Version]:
    """The row's latest versions, newest first, each with what it changed."""
    # An id can have belonged to another organization's row before; nothing of that is told.
    owner = getattr(row, "organization_id", None)
    history = row.history.select_related("history_user")
    if owner is not None:
        history = history.filter(organization_id=owner)
    records = list(history.order_by("-history_date", "-history_id")[: LATEST + 1])
    hidden = _SILENT | getattr(row, "hidden_in_history", frozenset())
    fields = [field for field in row._meta.concrete_fields if field.name not in hidden]
    names = _names_of_related_rows(fields, records, owner)
    return [
        Version(
            _VERBS[record.history_type],
            record.history_date,
            record.history_user,
            list(_changes(fields, older, record, names)) if older is not None else [],
        )
        for record, older in pairwise(chain(records, [None]))
    ][:LATEST]


def _changes(
    fields: Iterable[models.Field[Any, Any]], older: Any, newer: Any, names: dict[Any, str]
) -> Iterator[Change]:
    for field in fields:
        old, new = getattr(older, field.attname), getattr(newer, field.attname)
        if old != new:
            yield Change(
                str(field.verbose_name), _in_words(field, old, names), _in_words(field, new, names)
            )


def _in_words(field: models.Field[Any, Any], value: Any, names: dict[Any, str]) -> str:
    if value is None or value in ("", []):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if field.is_relation:
        return names.get((field.related_model, value), f"deleted ({value})")
    if field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    return str(value)


def _names_of_related_rows(
    fields: Iterable[models.Field[Any, Any]], records: list[Any], owner: str | None
) -> dict[Any, str]:
    names: dict[Any, str] = {}
    for field in fields:
        related = field.related_model
        if related is None:
            continue
        ids = {getattr(record, field.attname) for record in records}
        # A field that never changed is never shown.
        if len(ids) > 1:
            found = related._default_manager.all()
            if owner is not None and isinstance(found, TenantQuerySet):
                found = found.for_organization(owner)
            rows = found.in_bulk(ids - {None})
            names |= {(related, pk): str(row) for pk, row in rows.items()}
    return names
