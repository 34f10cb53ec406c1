"""Pagination by cursor, for lists whose rows move, such as conversations by their last message."""

from collections.abc import Sequence
from typing import Final, TypedDict, TypeVar

from django import forms
from django.core import signing
from django.db import models
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webchat_project.api.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    DigitsField,
    ErrorDetails,
    form_errors,
)

_Model = TypeVar("_Model", bound=models.Model)
_Row = TypeVar("_Row")

_MAX_CURSOR_LENGTH: Final = 300
_SALT: Final = "webchat_project.api.cursors"
_INVALID: Final = "Must be the value of pagination.next of this list."


class CursorPosition(TypedDict):
    """The position of a page. ``next`` is the cursor of the next page, if there is one."""

    limit: int
    next: str | None


class _CursorForm(forms.Form):
    limit = DigitsField(min_value=1, max_value=MAX_LIMIT, required=False)
    cursor = forms.CharField(max_length=_MAX_CURSOR_LENGTH, required=False)

    def clean_cursor(self) -> list[str]:
        """Return the values of the row before the page, as texts; empty for the first page."""
        cursor = self.cleaned_data["cursor"]
        if not cursor:
            return []
        try:
            values: list[str] = signing.Signer(salt=_SALT).unsign_object(cursor)
        except signing.BadSignature:
            raise forms.ValidationError(_INVALID, "invalid") from None
        return values


class CursorPagination(BasePagination):
    """``cursor``, which is ``pagination.next`` of the page before, and ``limit`` from 1 to 100.

    The ordering is that of the queryset. Its fields are not null, and the last one is unique. A
    cursor has their values in the last row of a page, so that no row is skipped while others move
    or are added. DRF's ``CursorPagination`` compares the first field only and counts the rows that
    have the same value. A cursor is signed, because its values become parameters of a query.
    """

    def errors(self, request: Request) -> ErrorDetails:
        """Return the errors of ``cursor`` and ``limit`` by parameter; empty if both are valid."""
        return form_errors(_CursorForm(request.query_params))

    def paginate_queryset(
        self,
        queryset: models.QuerySet[_Model, _Row] | Sequence[_Row],
        request: Request,
        view: APIView | None = None,
    ) -> list[_Row]:
        assert isinstance(queryset, models.QuerySet)
        condition, self.limit = parse_page(queryset, request)
        ordering = _get_ordering(queryset)
        rows = list(queryset.filter(condition)[: self.limit + 1])
        has_next = len(rows) > self.limit
        rows = rows[: self.limit]
        self.next = _make_cursor(rows[-1], ordering) if has_next else None
        return rows

    def get_paginated_response(self, data: object) -> Response:
        pagination: CursorPosition = {"limit": self.limit, "next": self.next}
        return Response({"data": data, "pagination": pagination})

    def get_paginated_response_schema(self, schema: dict[str, object]) -> dict[str, object]:
        cursor = {
            "type": "string",
            "nullable": True,
            "description": "The parameter `cursor` of the next page. `null` on the last one.",
        }
        return page_schema(schema, cursor, DEFAULT_LIMIT)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, object]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        cursor = {"type": "string", "format": "cursor", "maxLength": _MAX_CURSOR_LENGTH}
        description = "`pagination.next` of the page before. Opaque, and only for the same list."
        return [
            {"name": "limit", "in": "query", "required": False, "schema": limit},
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "schema": cursor,
                "description": description,
            },
        ]


def parse_page(queryset: models.QuerySet[_Model, _Row], request: Request) -> tuple[models.Q, int]:
    """Return the condition for the rows after the cursor of the request, and the page's limit.

    Raise ``ValidationError`` for invalid ones.
    """
    form = _CursorForm(request.query_params)
    if not form.is_valid():
        raise ValidationError(form_errors(form))
    texts = form.cleaned_data["cursor"]
    ordering = _get_ordering(queryset)
    condition = _rows_after(queryset.model, ordering, texts) if texts else models.Q()
    return condition, form.cleaned_data["limit"] or DEFAULT_LIMIT


def _get_ordering(queryset: models.QuerySet[_Model, _Row]) -> list[str]:
    names = queryset.query.order_by or queryset.model._meta.ordering or ()
    return [str(name) for name in names]


def page_schema(
    rows: dict[str, object], following: dict[str, object], limit: int
) -> dict[str, object]:
    """Return the schema of a page without a total, ``{"data": …, "pagination": {limit, next}}``.

    ``rows`` is the schema of ``data``, ``following`` that of ``next``, ``limit`` the default.
    """
    return {
        "type": "object",
        "required": ["data", "pagination"],
        "properties": {
            "data": rows,
            "pagination": {
                "type": "object",
                "required": ["limit", "next"],
                "properties": {
                    "limit": {"type": "integer", "minimum": 1, "example": limit},
                    "next": {**following, "example": None},
                },
            },
        },
    }


def _make_cursor(row: object, ordering: Sequence[str]) -> str:
    assert isinstance(row, models.Model)
    fields = (row._meta.get_field(name.lstrip("-")) for name in ordering)
    texts = [field.value_to_string(row) for field in fields if isinstance(field, models.Field)]
    return signing.Signer(salt=_SALT).sign_object(texts)


def _rows_after(model: type[models.Model], ordering: Sequence[str], texts: list[str]) -> models.Q:
    """Return the condition for the rows after the row with these values.

    ``a <= x AND (a < x OR b < y)``: the first part is a range of the index.
    """
    condition = models.Q()
    if len(texts) != len(ordering):
        raise ValidationError({"cursor": [ErrorDetail(_INVALID, "invalid")]})
    for name, text in reversed(list(zip(ordering, texts, strict=True))):
        column = name.lstrip("-")
        field = model._meta.get_field(column)
        assert isinstance(field, models.Field)
        value = field.to_python(text)
        comparison = "lt" if name.startswith("-") else "gt"
        beyond = models.Q(**{f"{column}__{comparison}": value})
        if condition:
            condition = models.Q(**{f"{column}__{comparison}e": value}) & (beyond | condition)
        else:
            condition = beyond
    return condition
