"""A change list column with the number of rows that refer to each row.

``organizations`` does not import the apps above it. Each of them registers its related name in
``AppConfig.ready()`` or in its admin modules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from organizations.tenancy.admin import TenantAdmin
from organizations.tenancy.models import TenantScoped

_Row = TypeVar("_Row", bound=TenantScoped)
_ListDisplay: TypeAlias = tuple[str | Callable[[_Row], str | bool], ...]


@dataclass(frozen=True)
class Usage:
    """The related name of the counted rows, and the column's label."""

    related_name: str
    label: str


_usages: dict[type[models.Model], Usage] = {}


def register_usage(model: type[models.Model], related_name: str, label: str) -> None:
    """Add a column to the change list of ``model`` that counts the rows of ``related_name``."""
    _usages[model] = Usage(related_name, label)


class UsageAdmin(TenantAdmin[_Row]):
    """A model admin whose change list shows how many rows refer to each row."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[_Row]:
        """Return the rows. Those of the change list are annotated with ``usage_count``."""
        queryset = super().get_queryset(request)
        usage = _usages.get(self.model)
        # SELECT FOR UPDATE, as in ``get_object``, is not possible with an aggregate.
        match = request.resolver_match
        if usage and match is not None and str(match.url_name).endswith("_changelist"):
            count = models.Count(usage.related_name, distinct=True)
            return cast("models.QuerySet[_Row]", queryset.annotate(usage_count=count))
        return queryset

    def get_list_display(self, request: HttpRequest) -> _ListDisplay[_Row]:
        """Return the columns, with the count before the last one."""
        *columns, last = super().get_list_display(request)
        usage = _usages.get(self.model)
        return (*columns, _count_column(usage), last) if usage else (*columns, last)


def _count_column(usage: Usage) -> Callable[[models.Model], str]:
    @admin.display(description=usage.label, ordering="usage_count")
    def usage_count(row: models.Model) -> str:
        return str(row.serializable_value("usage_count"))

    return usage_count
