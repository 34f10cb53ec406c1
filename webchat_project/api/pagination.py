"""Pagination by page number, with strict parameters and the list's envelope."""

import re
from collections.abc import Sequence
from typing import TypedDict, TypeVar

from django import forms
from django.db import models
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

_Model = TypeVar("_Model", bound=models.Model)
_Row = TypeVar("_Row")

#: No list is that long, and the offset still fits into 64 bits.
_MAX_PAGE = 1_000_000_000
#: The limit of a page, for every pagination class.
MAX_LIMIT = 100
DEFAULT_LIMIT = 20

ErrorDetails = dict[str, list[ErrorDetail]]


class Pagination(TypedDict):
    """The position of a page. ``page`` counts from 1."""

    page: int
    limit: int
    total: int
    totalPages: int


class DigitsField(forms.IntegerField):
    """An integer in ASCII digits. ``int()`` also accepts ``1_0`` and digits of other scripts."""

    def to_python(self, value: object) -> int | None:
        if value and not re.fullmatch(r"-?[0-9]{1,20}", str(value)):
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        number: int | None = super().to_python(value)
        return number


class _PageForm(forms.Form):
    page = DigitsField(min_value=1, max_value=_MAX_PAGE, required=False)
    limit = DigitsField(min_value=1, max_value=MAX_LIMIT, required=False)


def form_errors(form: forms.Form) -> ErrorDetails:
    """Return the errors of a form by field, with their codes."""
    return {
        name: [ErrorDetail(error.messages[0], error.code or "invalid") for error in errors]
        for name, errors in form.errors.as_data().items()
    }


class DocumentPagination(BasePagination):
    """``page`` from 1 and ``limit`` from 1 to 100. A page after the last one is empty.

    A malformed parameter is a validation error. ``PageNumberPagination`` ignores a malformed limit
    and returns 404 for a page after the last one.
    """

    default_limit = DEFAULT_LIMIT

    def errors(self, request: Request) -> ErrorDetails:
        """Return the errors of ``page`` and ``limit`` by parameter; empty if both are valid."""
        return form_errors(_PageForm(request.query_params))

    def build_page(self, request: Request) -> tuple[int, int]:
        """Return the requested page and limit; raise ``ValidationError`` if one is malformed."""
        form = _PageForm(request.query_params)
        if not form.is_valid():
            raise ValidationError(form_errors(form))
        return form.cleaned_data["page"] or 1, form.cleaned_data["limit"] or self.default_limit

    def paginate_queryset(
        self,
        queryset: models.QuerySet[_Model, _Row] | Sequence[_Row],
        request: Request,
        view: APIView | None = None,
    ) -> list[_Row]:
        assert isinstance(queryset, models.QuerySet)
        self.page, self.limit = self.build_page(request)
        self.total = queryset.count()
        start = (self.page - 1) * self.limit
        return list(queryset[start : start + self.limit]) if start < self.total else []

    def get_paginated_response(self, data: Sequence[object]) -> Response:
        return self.response(data, self.page, self.limit, self.total)

    @staticmethod
    def response(documents: Sequence[object], page: int, limit: int, total: int) -> Response:
        """Return the envelope: ``{"data": documents, "pagination": Pagination}``."""
        pagination: Pagination = {
            "page": page,
            "limit": limit,
            "total": total,
            "totalPages": -(-total // limit),
        }
        return Response({"data": documents, "pagination": pagination})

    def get_paginated_response_schema(self, schema: dict[str, object]) -> dict[str, object]:
        names = list(Pagination.__annotations__)
        return {
            "type": "object",
            "required": ["data", "pagination"],
            "properties": {
                "data": schema,
                "pagination": {
                    "type": "object",
                    "required": names,
                    "properties": {name: {"type": "integer", "minimum": 0} for name in names},
                    "example": {"page": 1, "limit": 20, "total": 1, "totalPages": 1},
                },
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, object]]:
        bounds = {"page": (_MAX_PAGE, 1), "limit": (MAX_LIMIT, self.default_limit)}
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": maximum,
                    "default": default,
                },
            }
            for name, (maximum, default) in bounds.items()
        ]
