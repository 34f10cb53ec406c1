"""Change history: the recorded versions of a row, each with the fields that it changed."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any, Final, Protocol, TypeAlias

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from organizations.tenancy.models import TenantQuerySet, TenantScoped

#: The maximum number of versions shown. Older ones stay in the database.
MAX_VERSIONS: Final = 100
#: The maximum number of characters of a value that are shown, and how many of them precede
#: the first difference. A page has two values for each changed field of each version.
_MAX_SHOWN: Final = 300
_SHOWN_BEFORE: Final = 100
#: History records whose long values are in memory at a time. A text can have 80 kB.
_READ_AT_A_TIME: Final = 8

_VERBS: Final = {"+": "Created", "~": "Changed", "-": "Deleted"}

_Column: TypeAlias = models.Field[object, object]
#: ``str()`` of related rows, by model and primary key.
_Names: TypeAlias = dict[tuple[type[models.Model], str], str]


class CachedHistoryManager(HistoryManager):
    """The manager of ``row.history``, whose class is created once.

    django-simple-history creates a class at each access to ``row.history``, so for each save.
    """

    @classmethod
    @cache
    def from_queryset(
        cls, queryset_class: type, class_name: str | None = None
    ) -> type[HistoryManager]:
        """Return the manager's class with the methods of the queryset."""
        manager: type[HistoryManager] = super().from_queryset(queryset_class, class_name)
        return manager


class ChangeHistory(HistoricalRecords):
    """The history of a model: django-simple-history's, with fewer indexes and constraints.

    Versions are found by the id of their row. An index on each foreign key, and a constraint on the
    user, would take more time than the rest of a version's INSERT.
    """

    def __init__(self, excluded_fields: Sequence[str] = ()) -> None:
        super().__init__(
            history_manager=CachedHistoryManager,
            excluded_fields=list(excluded_fields),
            user_db_constraint=False,
        )

    def copy_fields(self, model: type[models.Model]) -> dict[str, _Column]:
        """Return copies of the model's fields, with foreign keys that have no index."""
        self.no_db_index = [
            field.name
            for field in self.fields_included(model)
            if isinstance(field, models.ForeignKey)
        ]
        fields: dict[str, _Column] = super().copy_fields(model)
        return fields


class HistoryRecord(Protocol):
    """A record of django-simple-history, which has no type information."""

    history_type: str
    history_id: int
    history_date: datetime
    history_user: AbstractBaseUser | None
    history_change_reason: str | None
    updated_at: datetime


@dataclass(frozen=True)
class Change:
    """One field's old and new value as display texts: long ones around the first difference."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class Version:
    """One save or deletion. ``user`` is ``None`` for changes without a request."""

    record: HistoryRecord
    verb: str
    at: datetime
    user: AbstractBaseUser | None
    changes: list[Change]
    #: Why the row was saved, as a sentence; empty for most versions.
    reason: str


def get_versions(row: TenantScoped) -> list[Version]:
    """Return the latest versions of a row with ``history``, newest first.

    Fields in the model's ``hidden_in_history`` are left out. Long values are read for a few
    records at a time, and kept as excerpts.
    """
    fields = [
        field for field in row._meta.concrete_fields if field.name not in row.hidden_in_history
    ]
    records = latest_records(row, MAX_VERSIONS + 1)
    names = _names_of_related_rows(fields, records, getattr(row, "organization_id", None))
    changes = _find_changes(row, fields, records, names)
    return [
        Version(
            record,
            _VERBS[record.history_type],
            record.history_date,
            record.history_user,
            changes.get(record.history_id, []),
            record.history_change_reason or "",
        )
        for record in records[:MAX_VERSIONS]
    ]


def latest_records(row: TenantScoped, limit: int) -> list[HistoryRecord]:
    """Return at most ``limit`` history records of a row with ``history``, newest first.

    Their long values are read on access.
    """
    records = _records(row)
    # Of the record: a model can leave fields out of its history.
    long = [
        field.attname
        for field in records.model._meta.concrete_fields
        if isinstance(field, models.TextField | models.JSONField)
    ]
    records = records.select_related("history_user").defer(*long)
    return list(records.order_by("-history_date", "-history_id")[:limit])


def _records(row: TenantScoped) -> "models.QuerySet[Any]":
    assert hasattr(row, "history")
    # After a deletion, another organization's row can have had the same id.
    organization_id = getattr(row, "organization_id", None)
    scope = {} if organization_id is None else {"organization_id": organization_id}
    records: models.QuerySet[Any] = row.history.filter(**scope)
    return records


def _find_changes(
    row: TenantScoped, fields: Sequence[_Column], records: Sequence[HistoryRecord], names: _Names
) -> dict[int, list[Change]]:
    """Return the changes by the id of a record. The oldest record has none."""
    changes: dict[int, list[Change]] = {}
    for start in range(0, len(records), _READ_AT_A_TIME):
        # With the record before the oldest one of these.
        ids = [record.history_id for record in records[start : start + _READ_AT_A_TIME + 1]]
        complete = _records(row).in_bulk(ids)
        for newer, older in pairwise(complete[pk] for pk in ids if pk in complete):
            changes[newer.history_id] = list(_changes(fields, older, newer, names))
    return changes


def _changes(
    fields: Sequence[_Column], older: object, newer: object, names: _Names
) -> Iterator[Change]:
    for field in fields:
        old, new = getattr(older, field.attname), getattr(newer, field.attname)
        if old != new:
            texts = display_text(field, old, names), display_text(field, new, names)
            yield Change(str(field.verbose_name), *_excerpts(*texts))


def _excerpts(old: str, new: str) -> tuple[str, str]:
    """Return both texts, cut around their first difference if they are long."""
    shorter = range(min(len(old), len(new)))
    difference = bisect_left(shorter, True, key=lambda end: old[: end + 1] != new[: end + 1])
    start = max(0, difference - _SHOWN_BEFORE)
    return _excerpt(old, start), _excerpt(new, start)


def _excerpt(text: str, start: int) -> str:
    if len(text) <= _MAX_SHOWN:
        return text
    end = start + _MAX_SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def display_text(field: _Column, value: object, names: _Names | None = None) -> str:
    """Return a value of a field for people. ``names`` are those of related rows, by id."""
    if value is None or value in ("", []):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if field.related_model is not None and not isinstance(value, models.Model):
        return (names or {}).get((field.related_model, str(value)), f"deleted ({value})")
    if field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    return str(value)


def _names_of_related_rows(
    fields: Sequence[_Column], records: Sequence[object], organization_id: str | None
) -> _Names:
    names: _Names = {}
    for field in fields:
        related = field.related_model
        if related is None:
            continue
        ids = {getattr(record, field.attname) for record in records}
        # The names of a field without changes are never shown.
        if len(ids) > 1:
            rows = related._default_manager.all()
            if organization_id is not None and isinstance(rows, TenantQuerySet):
                rows = rows.for_organization(organization_id)
            names |= {(related, pk): str(row) for pk, row in rows.in_bulk(ids - {None}).items()}
    return names
