"""Viewsets whose responses have the envelopes of the API."""

from typing import ClassVar, Final, TypeVar

from django.db import models, transaction
from django.utils.text import capfirst
from rest_framework import mixins, status, viewsets
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from webchat_project.api.exceptions import PreconditionFailed
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchat_project.api.serializers import DocumentSerializer
from webchat_project.api.timestamps import get_etag, is_expected_version

_Row = TypeVar("_Row", bound=models.Model)

#: The methods that write a row in the version that ``If-Match`` names. A POST to a row adds to it.
VERSIONED_METHODS: Final = ("PUT", "PATCH", "DELETE")


class ReadUpdateViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[_Row],
):
    """List, retrieve and update the rows of a model as JSON documents.

    A subclass declares ``queryset`` and ``serializer_class``. The model has a column
    ``updated_at``: see ``timestamps``. Responses are ``{"data": document}``, ``{"message": str,
    "data": document}`` after a write, and the list of the pagination class. A document comes with
    its ``ETag``, and a write compares it with ``If-Match``.
    """

    queryset: models.QuerySet[_Row]
    lookup_value_regex = OBJECT_ID_PATTERN

    #: The resource's name in messages. The default is the model's ``verbose_name``.
    document_name: ClassVar[str | None] = None

    def get_queryset(self) -> models.QuerySet[_Row]:
        """Return the rows of the view. For an unsafe detail action, reading a row locks it.

        So no other request changes the row between validation and write. Such an action must run
        in a transaction. The row is read without joins: after a wait, PostgreSQL reads it again,
        but not those that were joined, and returns none if it refers to another one since.
        """
        queryset = super().get_queryset()
        if self.detail and self.request.method not in SAFE_METHODS:
            queryset = queryset.select_related(None)
            queryset = queryset.select_for_update(of=("self",), no_key=True)
        return queryset

    def get_object(self) -> _Row:
        """Return the row. Before a write, compare its version with the header ``If-Match``."""
        row = super().get_object()
        if self.request.method in VERSIONED_METHODS:
            self.check_version(row)
        return row

    def check_version(self, row: _Row) -> None:
        """Raise ``PreconditionFailed`` if ``If-Match`` names another version of the locked row."""
        if_match = self.request.headers.get("If-Match")
        updated_at = row.serializable_value("updated_at")
        if if_match is not None and not is_expected_version(updated_at, if_match):
            raise PreconditionFailed

    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        row = self.get_object()
        document = self.get_serializer(row).data
        return Response(
            {"data": document}, headers={"ETag": get_etag(row.serializable_value("updated_at"))}
        )

    # Validation runs in the transaction, so that the rows it locks do not change before the write.
    @transaction.atomic
    def update(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Update the fields that were sent, with PUT as with PATCH."""
        self.lock_before_row()
        return self._write("updated", self.get_object())

    def lock_before_row(self) -> None:
        """Lock the rows that an update must lock before its own. The default locks none."""

    def message(self, verb: str) -> str:
        """Return the message of a write, such as ``Webchat updated``."""
        name = self.document_name or str(self.queryset.model._meta.verbose_name)
        return f"{capfirst(name)} {verb}"

    def _write(self, verb: str, row: _Row | None = None) -> Response:
        """Create a row, or update ``row``, and return its document."""
        message = self.message(verb)
        serializer = self.get_serializer(row, data=self.request.data, partial=row is not None)
        assert isinstance(serializer, DocumentSerializer)
        serializer.is_valid(raise_exception=True)
        saved = serializer.save()
        body = {"message": message, "data": serializer.data}
        if serializer.ignored:
            body["ignored"] = serializer.ignored
        return Response(body, headers={"ETag": get_etag(saved.serializable_value("updated_at"))})


class CreateReadUpdateViewSet(mixins.CreateModelMixin, ReadUpdateViewSet[_Row]):
    """List, create, retrieve and update the rows of a model as JSON documents."""

    @transaction.atomic
    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        response = self._write("created")
        response.status_code = status.HTTP_201_CREATED
        response.headers["Location"] = f"{request.path}/{response.data['data']['_id']}"
        return response


class DocumentViewSet(mixins.DestroyModelMixin, CreateReadUpdateViewSet[_Row]):
    """List, create, retrieve, update and delete the rows of a model as JSON documents."""

    @transaction.atomic
    def destroy(self, request: Request, *args: object, **kwargs: object) -> Response:
        self.get_object().delete()
        return Response({"message": self.message("deleted")})
