"""Query parameters that several lists share."""

import functools
import operator
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from webchat_project.api.fields import ID_SCHEMA
from webchat_project.api.object_ids import PATTERN, validate_object_id
from webchat_project.api.pagination import form_errors

#: A longer text is no search, and a slow one.
SEARCH_LENGTH = 200


@extend_schema_field({**ID_SCHEMA, "pattern": f"^(?:{PATTERN})?$"})
class IdFilter(filters.CharFilter):
    """Rows that point to the row of this id; empty, as in a form left open: all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[validate_object_id], **options)


@extend_schema_field({"type": "boolean"})
class FlagFilter(filters.TypedChoiceFilter):
    """``true`` or ``false``; anything else is an error (Django's own field ignores it)."""

    def __init__(self, **options: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", **options)


@extend_schema_field({"type": "string", "maxLength": SEARCH_LENGTH})
class SearchFilter(filters.CharFilter):
    """Rows with this text in one of ``fields``, compared without case; without fields, those that
    the queryset's own ``containing`` finds."""

    def __init__(self, *, fields: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(max_length=SEARCH_LENGTH, **options)
        self.fields = fields

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Every field is asked with OR; an empty text asks for nothing."""
        if not value:
            return qs
        if not self.fields:
            found: QuerySet[Any] = qs.containing(value)  # type: ignore[attr-defined]
            return found
        return qs.filter(
            functools.reduce(operator.or_, [Q(**{f"{f}__icontains": value}) for f in self.fields])
        )


class DocumentOrdering(filters.OrderingFilter):
    """``ordering`` by the document's names, ``-`` for descending, commas between; the id breaks
    ties, so that no row stands on two pages."""

    def filter(self, qs: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        """Newest first unless asked otherwise."""
        names = [name for name in value or [] if name] or ["-createdAt"]
        chosen = [self.get_ordering_value(name) for name in names]
        tie_break = "-id" if chosen[-1].startswith("-") else "id"
        return qs.order_by(*chosen, tie_break)


class ListQueryBackend(DjangoFilterBackend):
    """django-filter for lists and what is exported, with every wrong query value in one answer."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        """The rows asked for; raises ``ValidationError`` naming each malformed parameter."""
        if view.action not in ("list", "export"):
            return queryset
        errors: dict[str, Any] = view.paginator.errors(request) if view.action == "list" else {}
        filterset = self.get_filterset(request, queryset, view)
        if filterset is not None and not filterset.is_valid():
            errors |= form_errors(filterset.form)
        if errors:
            raise ValidationError(errors)
        return queryset if filterset is None else filterset.qs
