"""Rows into the database, many at once, each with the version that the change history keeps: the
one place of an import that writes.

PostgreSQL takes new rows by ``COPY``; every other database, and every change, by a statement
that is prepared once and run for each row.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.db import connection, models
from django.utils import timezone

Values = list[Any]


def insert(rows: Sequence[models.Model], *, by: models.Model) -> None:
    """Write new rows, whose values are final: no default and no time-stamp is filled in."""
    if rows:
        model = type(rows[0])
        fields = _fields_of(model)
        values = list(_values(rows, fields))
        _insert(model, [field.column for field in fields], values)
        _record(model, values, "+", by)


def update(rows: Sequence[models.Model], names: Sequence[str], *, by: models.Model) -> None:
    """Write the fields ``names`` of stored rows."""
    if not rows:
        return
    model = type(rows[0])
    meta: Any = model._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    changes = ", ".join(f"{_quoted(field.column)} = %s" for field in fields)
    key = _quoted(meta.pk.column)
    statement = f"UPDATE {_quoted(meta.db_table)} SET {changes} WHERE {key} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(_values(rows, [*fields, meta.pk], copying=False)))
    _record(model, _values(rows, _fields_of(model)), "~", by)


def insert_statement(rows: Sequence[models.Model]) -> tuple[str, Iterator[Values]]:
    """The statement that writes a row, and its values for each."""
    model = type(rows[0])
    fields = _fields_of(model)
    statement = _statement(model, [field.column for field in fields])
    return statement, _values(rows, fields, copying=False)


def _record(model: Any, values: Iterable[Values], history_type: str, by: models.Model) -> None:
    """Write the versions of rows of which these are all values: what the history's own bulk call
    writes, without an object for each version."""
    history = model.history.model
    same = {
        "history_date": timezone.now(),
        "history_change_reason": None,
        "history_type": history_type,
        "history_user": by.pk,
    }
    added: list[Any] = [history._meta.get_field(name) for name in same]
    prepared = [
        prepare(value) if (prepare := _preparation(field, copying=_copies())) else value
        for field, value in zip(added, same.values(), strict=True)
    ]
    copied = [history._meta.get_field(field.name) for field in _fields_of(model)]
    columns = [field.column for field in (*copied, *added)]
    _insert(history, columns, [[*row, *prepared] for row in values])


def _insert(model: type[models.Model], columns: Sequence[str], rows: list[Values]) -> None:
    if not _copies():
        with connection.cursor() as cursor:
            cursor.executemany(_statement(model, columns), rows)
        return
    into = f"{_quoted(model._meta.db_table)} ({', '.join(map(_quoted, columns))})"
    # The driver's own method, past the wrapper that translates its errors.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {into} FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _copies() -> bool:
    return connection.vendor == "postgresql"


def _statement(model: type[models.Model], columns: Sequence[str]) -> str:
    table, places = _quoted(model._meta.db_table), ", ".join(["%s"] * len(columns))
    names = ", ".join(map(_quoted, columns))
    return f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - names only


def _quoted(name: Any) -> str:
    return connection.ops.quote_name(name)


def _fields_of(model: type[models.Model]) -> Sequence[Any]:
    return model._meta.concrete_fields


def _values(
    rows: Sequence[models.Model], fields: Sequence[Any], *, copying: bool | None = None
) -> Iterator[Values]:
    """Each row's values in the database's own types, for ``COPY`` where new rows go that way."""
    copying = _copies() if copying is None else copying
    get = attrgetter(*(field.attname for field in fields))
    prepared = [
        (index, prepare)
        for index, field in enumerate(fields)
        if (prepare := _preparation(field, copying=copying))
    ]
    for row in rows:
        values = list(get(row))
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
        adapt = connection.ops.adapt_json_value
        return lambda value: adapt(value, None)
    if copying:
        return None
    # Of the other fields, moments, all rows of an import have the same values.
    return lru_cache(maxsize=16)(lambda value: field.get_db_prep_save(value, connection))
