"""Whose row is it? The one place that answers for the REST API."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django.db import models, transaction
from django.http import Http404
from django.utils.text import capfirst
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status, viewsets
from rest_framework.fields import SkipField, empty
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.document_reader import DocumentReader
from organizations.json_types import ID_SCHEMA
from organizations.object_ids import PATTERN
from organizations.statements import RowStatement, Statement, Value
from organizations.tenancy.compiled import compiled_for
from organizations.tenancy.models import TenantQuerySet
from organizations.tenancy.pages import Page

if TYPE_CHECKING:
    from organizations.models import User

_Row = TypeVar("_Row", bound=models.Model)
_Compiled = TypeVar("_Compiled")


def _of_address(rows: Any) -> Any:
    return rows.order_by().filter(pk=Value("pk"))


@extend_schema_field(ID_SCHEMA)
class TenantRelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of a row that exists for the caller. Every other text, another organization's id
    among them, gets one and the same answer."""

    default_error_messages = {
        "does_not_exist": "There is no such {kind}.",
        "incorrect_type": "Must be an id: 24 hexadecimal characters.",
    }

    def get_queryset(self) -> models.QuerySet[Any]:
        return self._rows().for_user(self.context["request"].user)

    def _rows(self) -> TenantQuerySet[Any]:
        queryset = super().get_queryset()
        assert isinstance(queryset, TenantQuerySet), "a tenant's row points to tenants' rows only"
        return queryset

    def run_validation(self, data: Any = empty) -> Any:
        # The framework takes "" for null, as a form sends it; in JSON it is an id that is none.
        return self.to_internal_value(data) if data == "" else super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("incorrect_type")
        if data == getattr(self.root.instance, f"{self.source}_id", None):
            raise SkipField  # it is stored, and so it stays without being looked for
        row = self._row_of(data) if re.fullmatch(PATTERN, data) else None
        if row is None:
            self.fail("does_not_exist", kind=self._rows().model._meta.verbose_name)
        return row

    def _row_of(self, row_id: str) -> Any:
        user, rows = self.context["request"].user, self._rows()
        statement = compiled_for(
            user,
            ("related", rows.model._meta.label),
            lambda caller: RowStatement(_of_address(rows.for_user(caller))),
        )
        return statement.first(pk=row_id, organization_id=user.organization_id)


class TenantViewSet(viewsets.ModelViewSet[_Row]):
    """A resource of the API: the rows that exist for the caller, in the API's envelopes.

    A subclass names its ``queryset`` and ``serializer_class``.
    """

    lookup_value_regex = PATTERN

    #: Makes the documents that are only read, where every field of one is a column. Rows are then
    #: asked for by compiled statements.
    reader: ClassVar[DocumentReader | None] = None

    def get_queryset(self) -> models.QuerySet[_Row]:
        """The caller's rows. Add ``select_related`` and the like to ``queryset`` itself."""
        rows: models.QuerySet[_Row] = self._rows_of(self.request.user)
        return rows

    def _rows_of(self, user: Any) -> Any:
        queryset = super().get_queryset()
        assert isinstance(queryset, TenantQuerySet)
        queryset = queryset.for_user(user)
        if self.action in ("update", "partial_update", "destroy"):
            # The rule of a whole row holds only if nobody changes its other half meanwhile.
            queryset = queryset.select_for_update(of=("self",), no_key=True)
        return queryset

    def _compiled(self, *question: Any, make: Callable[[Any], _Compiled]) -> _Compiled:
        return compiled_for(
            self.request.user,
            (type(self), self.action, *question),
            lambda caller: make(self._rows_of(caller)),
        )

    @property
    def _values(self) -> dict[str, str | None]:
        """What a compiled statement is run with."""
        user = cast("User", self.request.user)
        return {"organization_id": user.organization_id, "pk": self.kwargs.get("pk")}

    def get_object(self) -> _Row:
        """The caller's row of the address; raises ``Http404`` where there is none."""
        if self.reader is None:
            return super().get_object()
        # The table of roles has been asked; no permission is a single row's.
        statement = self._compiled("row", make=lambda rows: RowStatement(_of_address(rows)))
        row: _Row | None = statement.first(**self._values)
        if row is None:
            raise Http404
        return row

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.reader is None:
            return Response({"data": self.get_serializer(self.get_object()).data})
        columns = self.reader.columns
        statement = self._compiled(
            "document", make=lambda rows: Statement(_of_address(rows).values_list(*columns))
        )
        rows = statement.rows(**self._values)
        if not rows:
            raise Http404
        return Response({"data": self.reader.documents(rows, request)[0]})

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.reader is None:
            return super().list(request, *args, **kwargs)
        page = self._compiled(request.META.get("QUERY_STRING", ""), make=self._page)
        rows, total = page.read(self._values["organization_id"])
        documents = self.reader.documents(rows, request)
        paginator: Any = self.paginator
        answer: Response = paginator.envelope(documents, page.number, page.limit, total)
        return answer

    def _page(self, rows: Any) -> Page:
        reader, paginator = cast("DocumentReader", self.reader), cast("Any", self.paginator)
        rows = self.filter_queryset(rows)  # first: it checks the whole question
        number, limit = paginator.asked(self.request)
        return Page.of(rows, reader.columns, number=number, limit=limit)

    # Around the checks as well: what they have seen stays until the row is written.
    @transaction.atomic
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = serializer.save(**self.owner())
        return Response(
            self.envelope("created", serializer.data),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"{request.path}/{row.pk}"},
        )

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """PUT as PATCH: every field is optional, what is not sent stays."""
        self.lock_before_row()
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(self.envelope("updated", serializer.data))

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.get_object().delete()
        return Response(self.envelope("deleted"))

    def lock_before_row(self) -> None:
        """Take the locks that an update needs before its row's."""

    def owner(self) -> dict[str, Any]:
        """Values of a new row that follow from who calls."""
        return {}

    def envelope(self, verb: str, data: Any = None) -> dict[str, Any]:
        """The body of a write's answer."""
        kind = str(cast("Any", self).queryset.model._meta.verbose_name)
        message = {"message": f"{capfirst(kind)} {verb}"}
        return message if data is None else {**message, "data": data}
