"""Whose row is it? The one place that answers for the REST API."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django.db import models, transaction
from django.http import Http404
from django.utils.text import capfirst
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status, viewsets
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.document_reader import DocumentReader
from organizations.json_types import ID_SCHEMA
from organizations.object_ids import PATTERN
from organizations.statements import Compiled, Statement, Value
from organizations.tenancy.models import TenantQuerySet
from organizations.tenancy.pages import AnyMember, Page

if TYPE_CHECKING:
    from organizations.models import User

_Row = TypeVar("_Row", bound=models.Model)
_Compiled = TypeVar("_Compiled", Statement, Page)

#: Across all viewsets and both kinds of callers: a page of each list, and what is looked for.
_compiled = Compiled()


@extend_schema_field(ID_SCHEMA)
class TenantRelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of a row that exists for the caller. Every other text, another organization's id
    among them, gets one and the same answer."""

    default_error_messages = {
        "does_not_exist": "There is no such {kind}.",
        "incorrect_type": "Must be an id: 24 hexadecimal characters.",
    }

    def get_queryset(self) -> models.QuerySet[Any]:
        queryset = super().get_queryset()
        assert isinstance(queryset, TenantQuerySet), "a tenant's row points to tenants' rows only"
        return queryset.for_user(self.context["request"].user)

    def run_validation(self, data: Any = empty) -> Any:
        # The framework takes "" for null, as a form sends it; in JSON it is an id that is none.
        return self.to_internal_value(data) if data == "" else super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("incorrect_type")
        queryset = self.get_queryset()
        row = queryset.filter(pk=data).first() if re.fullmatch(PATTERN, data) else None
        if row is None:
            self.fail("does_not_exist", kind=queryset.model._meta.verbose_name)
        return row


class TenantViewSet(viewsets.ModelViewSet[_Row]):
    """A resource of the API: the rows that exist for the caller, in the API's envelopes.

    A subclass names its ``queryset`` and ``serializer_class``.
    """

    lookup_value_regex = PATTERN

    #: Where every field of the document is a column: makes the documents that are only read.
    reader: ClassVar[DocumentReader | None] = None

    def get_queryset(self) -> models.QuerySet[_Row]:
        """The caller's rows. Add ``select_related`` and the like to ``queryset`` itself."""
        queryset: models.QuerySet[_Row] = self._rows_of(self.request.user)
        if self.action in ("update", "partial_update", "destroy"):
            # The rule of a whole row holds only if nobody changes its other half meanwhile.
            queryset = queryset.select_for_update(of=("self",), no_key=True)
        return queryset

    def _rows_of(self, user: Any) -> Any:
        queryset = super().get_queryset()
        assert isinstance(queryset, TenantQuerySet)
        return queryset.for_user(user)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.reader is None:
            return Response({"data": self.get_serializer(self.get_object()).data})
        statement = self._answering("", self._row)
        rows = statement.rows(pk=kwargs["pk"], organization_id=self._organization_id)
        if not rows:
            raise Http404
        return Response({"data": self.reader.documents(rows, request)[0]})

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.reader is None:
            return super().list(request, *args, **kwargs)
        page = self._answering(request.META.get("QUERY_STRING", ""), self._page)
        rows, total = page.read(self._organization_id)
        documents = self.reader.documents(rows, request)
        paginator: Any = self.paginator
        answer: Response = paginator.envelope(documents, page.number, page.limit, total)
        return answer

    @property
    def _organization_id(self) -> str | None:
        return cast("User", self.request.user).organization_id

    def _answering(self, question: str, make: Callable[[Any], _Compiled]) -> _Compiled:
        """What answers the question, for every member alike or for superusers."""
        is_superuser = self.request.user.is_superuser
        return _compiled.get(
            (type(self), make.__name__, is_superuser, question),
            lambda: make(self._rows_of(self.request.user if is_superuser else AnyMember)),
        )

    def _row(self, rows: Any) -> Statement:
        assert self.reader
        return Statement(rows.order_by().filter(pk=Value("pk")).values_list(*self.reader.columns))

    def _page(self, rows: Any) -> Page:
        assert self.reader
        rows = self.filter_queryset(rows)  # first: it checks the whole question
        number, limit = self.paginator.asked(self.request)  # type: ignore[union-attr]
        return Page.of(rows, self.reader.columns, number=number, limit=limit)

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
        kind = self.get_queryset().model._meta.verbose_name
        message = {"message": f"{capfirst(str(kind))} {verb}"}
        return message if data is None else {**message, "data": data}
