"""The REST API's resources: lists, documents and writes in the API's envelopes."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

from django.db import models, transaction
from django.http import Http404
from django.utils.text import capfirst
from rest_framework import status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from webchat_project.api.compiled import compiled_for
from webchat_project.api.document_reader import DocumentReader
from webchat_project.api.object_ids import PATTERN
from webchat_project.api.pages import Page
from webchat_project.api.statements import RowStatement, Statement, Value

_Row = TypeVar("_Row", bound=models.Model)
_Compiled = TypeVar("_Compiled")


def _of_address(rows: Any) -> Any:
    return rows.order_by().filter(pk=Value("pk"))


class DocumentViewSet(viewsets.ModelViewSet[_Row]):
    """A resource of the API: the rows that exist for the caller, in the API's envelopes.

    A subclass names its ``queryset`` and ``serializer_class``.
    """

    lookup_value_regex = PATTERN

    #: The resource's name in messages. The default is the model's ``verbose_name``.
    document_name: ClassVar[str | None] = None

    #: Makes the documents that are only read, where every field of one is a column. Rows are then
    #: asked for by compiled statements.
    reader: ClassVar[DocumentReader | None] = None

    def get_queryset(self) -> models.QuerySet[_Row]:
        """The caller's rows. Add ``select_related`` and the like to ``queryset`` itself."""
        rows: models.QuerySet[_Row] = self.rows_of(self.request.user)
        return rows

    def rows_of(self, user: Any) -> Any:
        """Return the rows that exist for ``user``."""
        return super().get_queryset()

    def locked(self, queryset: Any) -> Any:
        """Return the queryset, with row locks where the action writes the row."""
        if self.action in ("update", "partial_update", "destroy"):
            # The rule of a whole row holds only if nobody changes its other half meanwhile.
            queryset = queryset.select_for_update(of=("self",), no_key=True)
        return queryset

    @property
    def tenant_id(self) -> str | None:
        """The id of the caller's tenant, for the compiled queries."""
        return None

    def _compiled(self, *question: Any, make: Callable[[Any], _Compiled]) -> _Compiled:
        return compiled_for(
            self.request.user,
            (type(self), self.action, *question),
            lambda caller: make(self.rows_of(caller)),
        )

    @property
    def _values(self) -> dict[str, str | None]:
        """What a compiled statement is run with."""
        return {"organization_id": self.tenant_id, "pk": self.kwargs.get("pk")}

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
        name = self.document_name or str(cast("Any", self).queryset.model._meta.verbose_name)
        message = {"message": f"{capfirst(name)} {verb}"}
        return message if data is None else {**message, "data": data}
