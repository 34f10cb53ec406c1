"""What a list's query may say: paging, and through django-filter search, filters and order."""

import re
from typing import TYPE_CHECKING, Any

from django import forms
from rest_framework.exceptions import ErrorDetail
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

if TYPE_CHECKING:
    from rest_framework.views import APIView

#: Past this no database can count; it is also far past any real list.
_LAST_PAGE = 1_000_000_000


class _WholeNumberField(forms.IntegerField):
    """Digits and nothing else: Python would also take 1_0, 1.0 and other scripts' digits."""

    def to_python(self, value: Any) -> int | None:
        if value and not re.fullmatch(r"-?[0-9]{1,20}", value):
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        number: int | None = super().to_python(value)
        return number


class _PageForm(forms.Form):
    page = _WholeNumberField(min_value=1, max_value=_LAST_PAGE, required=False)
    limit = _WholeNumberField(min_value=1, max_value=100, required=False)


def form_errors(form: forms.Form) -> dict[str, list[ErrorDetail]]:
    return {
        name: [
            ErrorDetail(error.messages[0], error.code or "invalid") for error in errors.as_data()
        ]
        for name, errors in form.errors.items()
    }


class EnvelopePagination(BasePagination):
    """``page`` from 1 and ``limit`` of 1–100 (default 20); a page past the end is empty."""

    default_limit = 20

    def errors(self, request: Request) -> dict[str, list[ErrorDetail]]:
        """What is wrong with ``page`` and ``limit``, by name."""
        return form_errors(_PageForm(request.query_params))

    def paginate_queryset(
        self, queryset: Any, request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        """The rows of the page asked for."""
        self.number, self.limit = self.asked(request)
        self.total = queryset.count()
        start = (self.number - 1) * self.limit
        return list(queryset[start : start + self.limit]) if start < self.total else []

    def asked(self, request: Request) -> tuple[int, int]:
        """The page's number and its limit; ``ListQueryBackend`` has checked the question."""
        form = _PageForm(request.query_params)
        form.is_valid()
        return form.cleaned_data["page"] or 1, form.cleaned_data["limit"] or self.default_limit

    def get_paginated_response(self, data: Any) -> Response:
        """The list's envelope, after ``paginate_queryset``."""
        return self.envelope(data, self.number, self.limit, self.total)

    @staticmethod
    def envelope(data: Any, number: int, limit: int, total: int) -> Response:
        """The list's envelope."""
        pagination = {
            "page": number,
            "limit": limit,
            "total": total,
            "totalPages": -(-total // limit),
        }
        return Response({"data": data, "pagination": pagination})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The list's envelope in OpenAPI."""
        names = ("page", "limit", "total", "totalPages")
        return {
            "type": "object",
            "required": ["data", "pagination"],
            "properties": {
                "data": schema,
                "pagination": {
                    "type": "object",
                    "required": list(names),
                    "properties": {name: {"type": "integer", "minimum": 0} for name in names},
                    "example": {"page": 1, "limit": 20, "total": 1, "totalPages": 1},
                },
            },
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        """``page`` and ``limit`` in OpenAPI."""
        bounds = {"page": (_LAST_PAGE, 1), "limit": (100, self.default_limit)}
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 1, "maximum": most, "default": default},
            }
            for name, (most, default) in bounds.items()
        ]
