"""Queries whose SQL is made once.

Django makes the SQL of a queryset anew each time: for a row of thirty columns that takes ten times
as long as the database needs to answer. What is asked again and again is compiled once in a
process and then only run, with other values.
"""

import hashlib
from collections.abc import Callable, Hashable
from typing import Any, Generic, Self, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Model, QuerySet

_Thing = TypeVar("_Thing")
_Row = TypeVar("_Row", bound=Model)


class Compiled:
    """What a process has compiled, by the question that it answers. When there is too much, all of
    it is forgotten."""

    def __init__(self, *, most: int = 1_000, longest: int = 300) -> None:
        self._most, self._longest = most, longest
        self._things: dict[Hashable, Any] = {}

    def get(self, question: tuple[Hashable, ...], make: Callable[[], _Thing]) -> _Thing:
        """The thing that ``make`` made when the question was first asked. One with a text above
        the longest is answered, but not remembered."""
        thing = self._things.get(question)
        if thing is None:
            thing = make()
            if len(self._things) >= self._most:
                self._things.clear()
            if all(len(part) <= self._longest for part in question if isinstance(part, str)):
                self._things[question] = thing
        return cast("_Thing", thing)


class Value(str):
    """Stands in a queryset, by its name, for a text that is given when the statement runs."""

    __slots__ = ()


class Statement:
    """A compiled queryset of tuples (``values_list``). Threads may share it."""

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        self._database = queryset.db
        compiler = queryset.query.get_compiler(self._database)
        self._sql: str = ""
        self._parameters: tuple[Any, ...] = ()
        try:
            self._sql, self._parameters = compiler.as_sql()
        except EmptyResultSet:  # no rows, whatever the values are
            return
        # How the database's values become Python's: dates, booleans and JSON on SQLite.
        columns = [column for column, *_ in compiler.select]
        self._converters = list(compiler.get_converters(columns).items())

    @classmethod
    def counting(cls, queryset: QuerySet[Any, Any], *, at_most: int | None = None) -> Self:
        """The statement of one number: how many rows the queryset has, counted no further than
        ``at_most``."""
        statement = cls(queryset.order_by().values_list("pk")[:at_most])
        if statement._sql:
            statement._sql = f"SELECT COUNT(*) FROM ({statement._sql}) counted"  # noqa: S608
            statement._converters = []
        return statement

    def rows(self, **values: str | None) -> list[tuple[Any, ...]]:
        """The rows, for the value of each ``Value``."""
        if not self._sql:
            return []
        connection = connections[self._database]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, self._filled_in(values))
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return [self._converted(row, connection) for row in rows] if self._converters else rows

    def number(self, **values: str | None) -> int:
        """What ``counting`` counts."""
        rows = self.rows(**values)
        return rows[0][0] if rows else 0

    def digest(self, **values: str | None) -> str:
        """The same for the same question with the same values, in every process."""
        question = repr((self._sql, self._filled_in(values)))
        return hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()

    def _filled_in(self, values: dict[str, str | None]) -> list[Any]:
        return [values[given] if isinstance(given, Value) else given for given in self._parameters]

    def _converted(self, row: tuple[Any, ...], connection: Any) -> tuple[Any, ...]:
        converted = list(row)
        for index, (functions, column) in self._converters:
            for function in functions:
                converted[index] = function(converted[index], column, connection)
        return tuple(converted)


def columns_of(model: type[Model]) -> list[str]:
    """The names of a model's columns, in the order in which ``from_db`` takes their values."""
    return [field.attname for field in model._meta.concrete_fields]


class RowStatement(Generic[_Row]):
    """A compiled queryset of a model's whole rows, without what it would fetch beside them
    (``select_related``, ``prefetch_related``)."""

    def __init__(self, queryset: QuerySet[_Row]) -> None:
        self._model, self._columns = queryset.model, columns_of(queryset.model)
        self._statement = Statement(queryset.values_list(*self._columns))

    def all(self, **values: str | None) -> list[_Row]:
        """The rows, for the value of each ``Value``."""
        rows = self._statement.rows(**values)
        return [self._model.from_db(None, self._columns, row) for row in rows]

    def first(self, **values: str | None) -> _Row | None:
        """The first of the rows, if there is one."""
        return next(iter(self.all(**values)), None)
