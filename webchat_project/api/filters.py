"""Filters of lists: the query parameters of every resource."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from webchat_project.api.cursors import CursorPagination
from webchat_project.api.fields import ID_SCHEMA
from webchat_project.api.object_ids import OBJECT_ID_PATTERN, validate_object_id
from webchat_project.api.pagination import DocumentPagination, ErrorDetails, form_errors

_Row = TypeVar("_Row", bound=Model)

#: The maximum length in characters. A longer text matches no row and takes long to search.
SEARCH_LENGTH = 200


@extend_schema_field({**ID_SCHEMA, "pattern": f"^(?:{OBJECT_ID_PATTERN})?$"})
class IdFilter(filters.CharFilter):
    """Rows whose foreign key is this id. The empty string is ignored, because a form sends it."""

    def __init__(self, **options: object) -> None:
        super().__init__(validators=[validate_object_id], **options)


@extend_schema_field({"type": "boolean"})
class StrictBooleanFilter(filters.TypedChoiceFilter):
    """``true`` or ``false``. Any other value is an error; ``BooleanFilter`` would ignore it."""

    def __init__(self, **options: object) -> None:
        options["choices"] = [("true", "true"), ("false", "false")]
        options["error_messages"] = {"invalid_choice": "Must be true or false."}
        super().__init__(coerce=lambda text: text == "true", **options)


class ChoiceFilter(filters.ChoiceFilter):
    """One of the choices. The error of any other value lists them."""

    def __init__(self, *, choices: Sequence[tuple[str, object]], **options: object) -> None:
        names = ", ".join(value for value, _ in choices)
        options["error_messages"] = {"invalid_choice": f"Must be one of: {names}."}
        super().__init__(choices=choices, **options)


@extend_schema_field({"type": "string", "maxLength": SEARCH_LENGTH})
class SearchFilter(filters.CharFilter):
    """Rows that contain the text in one of ``fields``, case-insensitive.

    ``search``, a function of the queryset and the text, replaces this condition, and so does the
    method of the filterset with the name ``method``.
    """

    def __init__(
        self,
        *,
        fields: tuple[str, ...] = (),
        search: Callable[[QuerySet[Any], str], QuerySet[Any]] | None = None,
        method: str | None = None,
    ) -> None:
        super().__init__(max_length=SEARCH_LENGTH, method=method)
        self.fields = fields
        self.search = search or self._search_fields

    def filter(self, qs: QuerySet[Model], value: str) -> QuerySet[Model]:
        return self.search(qs, value) if value else qs

    def _search_fields(self, rows: QuerySet[Model], text: str) -> QuerySet[Model]:
        return rows.filter(
            functools.reduce(
                operator.or_, [Q(**{f"{field}__icontains": text}) for field in self.fields]
            )
        )


class DocumentOrderingFilter(filters.OrderingFilter):
    """``ordering`` by fields of the document, ``-`` for descending, separated by commas.

    The default is newest first. The id breaks ties, so that no row is on two pages.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        names = ", ".join(name for name, _ in self.extra["choices"])
        self.extra["error_messages"] = {"invalid_choice": f"Must be one or more of: {names}."}

    def filter(self, qs: QuerySet[_Row], value: list[str] | None) -> QuerySet[_Row]:
        names = [name for name in value or [] if name] or ["-createdAt"]
        ordering = [self.get_ordering_value(name) for name in names]
        tie_break = "-id" if ordering[-1].startswith("-") else "id"
        return qs.order_by(*ordering, tie_break)


class DocumentFilterBackend(DjangoFilterBackend):
    """Applies the view's filterset in every action except detail actions.

    Raises one ``ValidationError`` for all malformed parameters, including those of the pagination.
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[_Row], view: APIView
    ) -> QuerySet[_Row]:
        if getattr(view, "detail", False):
            return queryset
        paginator = getattr(view, "paginator", None)
        errors: ErrorDetails = {}
        if isinstance(paginator, DocumentPagination | CursorPagination):
            errors = paginator.errors(request)
        filterset = self.get_filterset(request, queryset, view)
        if filterset is not None and not filterset.is_valid():
            errors |= form_errors(filterset.form)
        if errors:
            raise ValidationError(errors)
        return queryset if filterset is None else filterset.qs
