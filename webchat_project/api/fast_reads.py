"""Reads with compiled queries: a mixin for the viewset whose list and retrieve must be fast.

The plain path compiles SQL, creates model instances and calls every serializer field for each
request. Here the SQL is compiled once per process and run with other parameters, and rows become
documents without models. CPU time of a request, plain divided by fast, in process on SQLite: a list
of 20 rows 1.9, a list of one row 1.7, retrieve 1.3. ``tests/api/test_fast_reads.py`` compares the
responses of the two paths.

The cache key is (view class, whether the caller is a superuser, query string). It is also the only
input of the functions that compile: they create their own view, and run its ``get_queryset``
and ``filter_queryset`` with a request that has the query parameters and a user whose
``organization_id`` is a placeholder. Every other attribute raises ``RuntimeError``, so a query that
depends on more than the key fails at its first use. The exception is the clock: a filter must not
compare with the current time.
"""

from copy import copy
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, Protocol, TypeAlias, TypeVar, cast

from django.core.cache import cache
from django.db.models import Model, QuerySet
from django.http import Http404, QueryDict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webchat_project.api.compiled_queries import CompiledQuery, Placeholder
from webchat_project.api.pagination import DocumentPagination
from webchat_project.api.timestamps import get_etag
from webchat_project.api.viewsets import ReadUpdateViewSet

_Row = TypeVar("_Row", bound=Model)

#: Characters of a query string. A longer one is compiled for each request.
MAX_KEY_LENGTH = 300
#: Seconds for which the total of a long list is cached.
TOTAL_TIMEOUT = 60

Document = dict[str, object]
# Any: mixins of viewsets are invariant in the model.
View: TypeAlias = "FastReadsMixin[Any]"
ViewClass: TypeAlias = type[View]


class Caller(Protocol):
    """The attributes of a user that a compiled query may depend on."""

    is_superuser: bool
    organization_id: str | None


#: ``to_representation`` of the fields whose JSON is the value of the column.
_UNCHANGED = {
    field_class.to_representation
    for field_class in (
        serializers.BooleanField,
        serializers.CharField,
        serializers.ChoiceField,
        serializers.FloatField,
        serializers.IntegerField,
        serializers.ListField,
        serializers.PrimaryKeyRelatedField,
    )
}


class _KeyOnly:
    """An object with the given attributes. Any other raises ``RuntimeError``."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"{name!r} is not in the cache key, so no compiled query can use it.")


def _view(view_class: ViewClass, is_superuser: bool, action: str, query_string: str = "") -> View:
    user = _KeyOnly(is_superuser=is_superuser, organization_id=Placeholder("organization_id"))
    request = _KeyOnly(method="GET", user=user, query_params=QueryDict(query_string))
    is_detail = action == "retrieve"
    return view_class(request=request, action=action, detail=is_detail, args=(), kwargs={})


class _DocumentQuery:
    """The compiled query for one document. Every field of the serializer must be a column."""

    def __init__(self, view_class: ViewClass, is_superuser: bool) -> None:
        view = _view(view_class, is_superuser, "retrieve")
        rows = view.filter_queryset(view.get_queryset())
        # In microseconds, for the ETag. No name of a document has an underscore inside.
        self._compile(view, rows.order_by().filter(pk=Placeholder("pk")), "updated_at")

    def _compile(self, view: View, rows: QuerySet[Model], *columns: str) -> None:
        serializer = view.get_serializer_class()()
        assert isinstance(serializer, serializers.Serializer)
        fields = serializer.fields
        attributes = {field.name: field.attname for field in rows.model._meta.concrete_fields}
        sources = [attributes[str(field.source)] for field in fields.values()]
        self._query = CompiledQuery(rows.values_list(*sources, *columns))
        self._names = (*fields, *columns)
        self._converted = {
            name: field
            for name, field in fields.items()
            if type(field).to_representation not in _UNCHANGED
        }

    def documents(
        self, serializer: serializers.BaseSerializer[_Row], **values: str | None
    ) -> list[Document]:
        """Run the query and return its documents.

        ``serializer`` provides the context of the fields, such as the request.
        """
        documents = [dict(zip(self._names, row, strict=True)) for row in self._query.rows(**values)]
        for name, shared in self._converted.items():
            field = copy(shared)
            field.parent = serializer
            for document in documents:
                if (value := document[name]) is not None:
                    document[name] = field.to_representation(value)
        return documents


class _ListQuery(_DocumentQuery):
    """The compiled queries for one page of a list and for the total."""

    def __init__(self, view_class: ViewClass, is_superuser: bool, query_string: str) -> None:
        view = _view(view_class, is_superuser, "list", query_string)
        rows = view.filter_queryset(view.get_queryset())
        assert isinstance(view.paginator, DocumentPagination)
        self.page, self.limit = view.paginator.build_page(view.request)
        self._start: int = (self.page - 1) * self.limit
        self._compile(view, rows[self._start : self._start + self.limit])
        self._rows = rows
        self._exact_up_to = view.exact_total_up_to
        self._count = CompiledQuery.count(rows, limit=self._exact_up_to + 1)

    def get_total_count(self, read: int, organization_id: str | None) -> int:
        """Return the number of rows of all pages, given the number of rows read for this one."""
        if 0 < read < self.limit:  # the last page
            return self._start + read
        key = f"total:{self._count.digest(organization_id=organization_id)}"
        total: int | None = cache.get(key)
        if total is None:
            total = self._count.number(organization_id=organization_id)
            if total > self._exact_up_to:
                full_count = CompiledQuery.count(self._rows)
                total = full_count.number(organization_id=organization_id)
                cache.set(key, total, TOTAL_TIMEOUT)
        return total


_cached_list_query = lru_cache(maxsize=1_000)(_ListQuery)
_cached_document_query = lru_cache(maxsize=1_000)(_DocumentQuery)


class FastReadsMixin(ReadUpdateViewSet[_Row]):
    """Replaces ``list`` and ``retrieve`` of ``ReadUpdateViewSet`` by compiled queries.

    It is the last base of a viewset, so that ``super()`` of the other bases calls it. Permissions
    must not depend on the row. ``select_related`` and ``prefetch_related`` have no effect.
    """

    #: A longer list is counted once in ``TOTAL_TIMEOUT`` seconds: counting a million rows takes
    #: longer than the rest of the response.
    exact_total_up_to = 10_000

    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        query_string = request.query_params.urlencode()
        compiled = _ListQuery if len(query_string) > MAX_KEY_LENGTH else _cached_list_query
        caller = cast("Caller", request.user)
        query = compiled(type(self), caller.is_superuser, query_string)
        organization_id = caller.organization_id
        documents = query.documents(self.get_serializer(), organization_id=organization_id)
        total = query.get_total_count(len(documents), organization_id)
        return DocumentPagination.response(documents, query.page, query.limit, total)

    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        caller = cast("Caller", request.user)
        query = _cached_document_query(type(self), caller.is_superuser)
        values = {"organization_id": caller.organization_id, "pk": self.kwargs["pk"]}
        documents = query.documents(self.get_serializer(), **values)
        if not documents:
            raise Http404
        updated_at = cast("datetime", documents[0].pop("updated_at"))
        return Response({"data": documents[0]}, headers={"ETag": get_etag(updated_at)})
