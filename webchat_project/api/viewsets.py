"""Viewsets whose responses have the envelopes of the API."""

from typing import ClassVar, TypeVar

from django.db import models, transaction
from django.utils.text import capfirst
from rest_framework import status, viewsets
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from webchat_project.api.object_ids import OBJECT_ID_PATTERN

_Row = TypeVar("_Row", bound=models.Model)


class DocumentViewSet(viewsets.ModelViewSet[_Row]):
    """List, create, retrieve, update and delete the rows of a model as JSON documents.

    A subclass declares ``queryset`` and ``serializer_class``. Responses are ``{"data": document}``,
    ``{"message": str, "data": document}`` after a write, and the list of ``DocumentPagination``.
    """

    queryset: models.QuerySet[_Row]
    lookup_value_regex = OBJECT_ID_PATTERN

    #: The resource's name in messages. The default is the model's ``verbose_name``.
    document_name: ClassVar[str | None] = None

    def get_queryset(self) -> models.QuerySet[_Row]:
        """Return the rows of the view. A detail action that writes must run within a transaction.

        It locks its row, so that no other request changes it between validation and write.
        """
        queryset = super().get_queryset()
        if self.detail and self.request.method not in SAFE_METHODS:
            queryset = queryset.select_for_update(of=("self",), no_key=True)
        return queryset

    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        return Response({"data": self.get_serializer(self.get_object()).data})

    # Validation is within the transaction, so that rows it has locked stay as validated.
    @transaction.atomic
    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = serializer.save()
        return Response(
            self.envelope("created", serializer.data),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"{request.path}/{row.pk}"},
        )

    @transaction.atomic
    def update(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Update the fields that were sent, with PUT as with PATCH."""
        self.lock_before_row()
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(self.envelope("updated", serializer.data))

    @transaction.atomic
    def destroy(self, request: Request, *args: object, **kwargs: object) -> Response:
        self.get_object().delete()
        return Response(self.envelope("deleted"))

    def lock_before_row(self) -> None:
        """Lock the rows that an update must lock before its own. The default locks none."""

    def envelope(self, verb: str, document: object = None) -> dict[str, object]:
        """Return ``{"message": "Webchat updated", "data": document}``, without ``data`` if it is
        ``None``."""
        name = self.document_name or str(self.queryset.model._meta.verbose_name)
        message: dict[str, object] = {"message": f"{capfirst(name)} {verb}"}
        return message if document is None else {**message, "data": document}
