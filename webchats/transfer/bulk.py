"""Rows into the database, many at once: the one place of an import that writes.

PostgreSQL takes new rows by ``COPY``; every other database, and every change, by a statement
that is prepared once and run for each row.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from django.db import connection, models
from django.utils import timezone


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows, whose values are final: no default and no time-stamp is filled in."""
    if rows:
        _insert(rows, type(rows[0]), {})


def record(rows: Sequence[Any], history_type: str, *, by: models.Model) -> None:
    """Write the versions that the change history keeps of rows as they now are.

    What the library's own bulk call writes, without an object for each version.
    """
    if rows:
        same = {
            "history_date": timezone.now(),
            "history_change_reason": None,
            "history_type": history_type,
            "history_user_id": by.pk,
        }
        _insert(rows, type(rows[0]).history.model, same)


def insert_statement(
    rows: Sequence[models.Model],
    model: type[models.Model] | None = None,
    same: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[str, Iterator[list[Any]]]:
    """The statement that writes a row, and its values for each."""
    table, names, fields = _into(model or type(rows[0]), same)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - names only
    return statement, _values(rows, fields, same)


def _insert(
    rows: Sequence[models.Model], model: type[models.Model], same: Mapping[str, Any]
) -> None:
    """Write the rows into the model's table, each with the values that are the ``same`` in all."""
    if connection.vendor != "postgresql":
        statement, values = insert_statement(rows, model, same)
        with connection.cursor() as cursor:
            cursor.executemany(statement, list(values))
        return
    table, names, fields = _into(model, same)
    # The driver's own method, past the wrapper that translates its errors.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
    ):
        for row in _values(rows, fields, same, copying=True):
            copy.write_row(row)


def _into(model: type[models.Model], same: Mapping[str, Any]) -> tuple[str, str, list[Any]]:
    """The quoted table, its quoted columns, and their fields, those of ``same`` values last; a
    counter fills itself."""
    meta = model._meta
    fields = [field for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
    fields.sort(key=lambda field: field.attname in same)
    return _quoted(meta.db_table), ", ".join(_quoted(field.column) for field in fields), fields


def update(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the fields ``names`` of stored rows."""
    if not rows:
        return
    meta: Any = type(rows[0])._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    changes = ", ".join(f"{_quoted(field.column)} = %s" for field in fields)
    key = _quoted(meta.pk.column)
    statement = f"UPDATE {_quoted(meta.db_table)} SET {changes} WHERE {key} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(_values(rows, [*fields, meta.pk])))


def _quoted(name: Any) -> str:
    return connection.ops.quote_name(name)


def _values(
    rows: Sequence[models.Model],
    fields: Sequence[Any],
    same: Mapping[str, Any] = MappingProxyType({}),
    *,
    copying: bool = False,
) -> Iterator[list[Any]]:
    """Each row's values in the database's own types."""
    own = [field.attname for field in fields if field.attname not in same]
    get = attrgetter(*own)
    last = [same[field.attname] for field in fields[len(own) :]]
    prepared = [
        (index, prepare)
        for index, field in enumerate(fields)
        if (prepare := _preparation(field, copying=copying))
    ]
    for row in rows:
        values = [*get(row), *last]
        for index, prepare in prepared:
            values[index] = prepare(values[index])
        yield values


#: What every driver takes as it is; the other fields are asked to prepare their values.
_PLAIN = (models.CharField, models.TextField, models.BooleanField, models.IntegerField)


def _preparation(field: Any, *, copying: bool) -> Callable[[Any], Any] | None:
    column = field.target_field if field.is_relation else field
    if isinstance(column, _PLAIN):
        return None
    if isinstance(column, models.JSONField):
        if copying:
            return json.dumps
        return lambda value: connection.ops.adapt_json_value(value, None)
    if copying:
        return None
    # Of the other fields, moments, all rows of an import have the same values.
    return lru_cache(maxsize=16)(lambda value: field.get_db_prep_save(value, connection))
