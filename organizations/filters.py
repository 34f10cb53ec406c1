"""Query parameters that several lists share."""

import functools
import operator
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from organizations.object_ids import validate_object_id


class IdFilter(filters.CharFilter):
    """Rows that point to the row of this id."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[validate_object_id], **options)


class FlagFilter(filters.TypedChoiceFilter):
    """``true`` or ``false``; anything else is an error (Django's own field ignores it)."""

    def __init__(self, **options: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", **options)


class SearchFilter(filters.CharFilter):
    """Rows with this text in one of ``fields``, compared without case."""

    def __init__(self, *, fields: tuple[str, ...], **options: Any) -> None:
        super().__init__(max_length=200, **options)
        self.fields = fields

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Every field is asked with OR; an empty text asks for nothing."""
        if not value:
            return qs
        return qs.filter(
            functools.reduce(operator.or_, [Q(**{f"{f}__icontains": value}) for f in self.fields])
        )


class DocumentOrdering(filters.OrderingFilter):
    """``ordering`` by the document's names, ``-`` for descending, commas between; the id breaks
    ties, so that no row stands on two pages."""

    def filter(self, qs: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        """Newest first unless asked otherwise."""
        chosen = [self.get_ordering_value(name) for name in value or ["-createdAt"]]
        tie_break = "-id" if chosen[-1].startswith("-") else "id"
        return qs.order_by(*chosen, tie_break)
