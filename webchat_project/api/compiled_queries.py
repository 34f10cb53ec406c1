"""Queries that are compiled to SQL once per process and run with other parameters.

Compiling takes most of the time that Django needs to find one row. Used by ``fast_reads``, and by
the look-ups of the caller (``get_unrevoked_user``) and of related rows (``TenantRelatedField``).
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import Expression, Q, QuerySet
from django.db.transaction import TransactionManagementError

if TYPE_CHECKING:
    from django.db.backends.utils import _SQLType

Row = tuple[object, ...]
#: The value of a parameter.
Value = str | int | None
#: Functions ``(value, expression, connection)`` by index of the column, with the expression.
Converters = dict[int, tuple[list[Callable[..., object]], Expression]]

_Model = TypeVar("_Model", bound=models.Model)

_NO_TRANSACTION: Final = "select_for_update cannot be used outside of a transaction."


class Placeholder(Expression):
    """An SQL parameter whose value is given when the query runs."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: object, connection: object) -> tuple[str, Any]:
        return "%s", [self]


class CompiledQuery:
    """The SQL of a ``values_list`` queryset. Threads may share it."""

    def __init__(self, queryset: QuerySet[models.Model, object]) -> None:
        self._database = queryset.db
        features = connections[self._database].features
        self._locks = queryset.query.select_for_update and features.has_select_for_update
        compiler = queryset.query.get_compiler(self._database)
        self._sql = ""
        self._parameters: Sequence[Placeholder | _SQLType] = ()
        self._converters: Converters = {}
        try:
            self._sql, self._parameters = compiler.as_sql()
        except EmptyResultSet:  # no row matches, whatever the parameters are
            return
        # For example, SQLite returns dates as text.
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])

    @classmethod
    def count(cls, queryset: QuerySet[models.Model], *, limit: int | None = None) -> Self:
        """Return a query of one row with the number of rows, counted up to ``limit``."""
        query = cls(queryset.order_by().values_list("pk")[:limit])
        if query._sql:
            query._sql = f"SELECT COUNT(*) FROM ({query._sql}) counted"  # noqa: S608
            query._converters = {}
        return query

    def rows(self, **values: Value) -> list[Row]:
        """Run the query and return its rows. ``values`` are those of the placeholders, by name."""
        if not self._sql:
            return []
        connection = connections[self._database]
        if self._locks and connection.get_autocommit():
            # As Django does when it compiles. The lock would end at once.
            raise TransactionManagementError(_NO_TRANSACTION)
        with connection.cursor() as cursor:
            cursor.execute(self._sql, self._parameters_for(values))
            rows: list[Row] = cursor.fetchall()
        if not self._converters:
            return rows
        converted = [list(row) for row in rows]
        for index, (functions, column) in self._converters.items():
            for function in functions:
                for row in converted:
                    row[index] = function(row[index], column, connection)
        return [tuple(row) for row in converted]

    def number(self, **values: Value) -> int:
        """Run a query that ``count`` returned, and return the number of rows."""
        return sum(cast("int", number) for (number,) in self.rows(**values))

    def digest(self, **values: Value) -> str:
        """Return a hash of the SQL and its parameters, the same in every process."""
        query = repr((self._sql, self._parameters_for(values)))
        return hashlib.sha256(query.encode("utf-8", "surrogatepass")).hexdigest()

    def _parameters_for(self, values: dict[str, Value]) -> list["_SQLType"]:
        return [values[p.name] if isinstance(p, Placeholder) else p for p in self._parameters]


class CompiledGet(Generic[_Model]):
    """The first rows of a queryset, as model instances. Threads may share it.

    ``related`` is a foreign key that is never null, whose rows are read by the same query.
    """

    def __init__(
        self, queryset: QuerySet[_Model], *, limit: int = 1, related: str | None = None
    ) -> None:
        self._model = queryset.model
        self._columns = _columns_of(self._model)
        self._related = related
        names = list(self._columns)
        if related is not None:
            related_model = self._model._meta.get_field(related).related_model
            self._related_model = cast("type[models.Model]", related_model)
            self._related_columns = _columns_of(self._related_model)
            names += [f"{related}__{column}" for column in self._related_columns]
        self._query = CompiledQuery(queryset.values_list(*names)[:limit])
        self._database = queryset.db

    def __call__(self, **values: Value) -> _Model | None:
        """Run the query; return the first row, or ``None`` if no row matches."""
        return next(iter(self.all(**values)), None)

    def all(self, **values: Value) -> list[_Model]:
        """Run the query; return its rows, at most ``limit``."""
        return [self._to_instance(row) for row in self._query.rows(**values)]

    def _to_instance(self, row: Row) -> _Model:
        if self._related is None:
            return self._model.from_db(self._database, self._columns, row)
        size = len(self._columns)
        instance = self._model.from_db(self._database, self._columns, row[:size])
        related = self._related_model.from_db(self._database, self._related_columns, row[size:])
        setattr(instance, self._related, related)
        return instance


class CompiledGetAny(Generic[_Model]):
    """The rows of a queryset that match any of up to ``max(SIZES)`` items, in one query.

    An item has a value for each of ``lookups``, and ``limit`` rows at most. Threads may share it.
    """

    #: The numbers of items for which a query is compiled. Fewer of them fill the next one.
    SIZES: Final = (1, 8, 50)

    def __init__(self, queryset: QuerySet[_Model], *lookups: str, limit: int = 1) -> None:
        self._queryset = queryset
        self._lookups = lookups
        self._limit = limit
        self._queries: dict[int, CompiledGet[_Model]] = {}

    def all(self, items: Sequence[Sequence[Value]]) -> list[_Model]:
        """Run the query; return its rows."""
        if not items:
            return []
        size = next(size for size in self.SIZES if size >= len(items))
        if size not in self._queries:
            self._queries[size] = self._compile(size)
        # Repeated items match the same rows.
        places = [*items, *[items[-1]] * (size - len(items))]
        values = {
            f"{lookup}:{place}": value
            for place, item in enumerate(places)
            for lookup, value in zip(self._lookups, item, strict=True)
        }
        return self._queries[size].all(**values)

    def _compile(self, size: int) -> CompiledGet[_Model]:
        matches = (
            Q(**{lookup: Placeholder(f"{lookup}:{place}") for lookup in self._lookups})
            for place in range(size)
        )
        return CompiledGet(self._queryset.filter(reduce(or_, matches)), limit=size * self._limit)


def _columns_of(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
