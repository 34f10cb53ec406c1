"""How many rows of upper apps use a row: a column of its list in the admin site.

``organizations`` does not import the apps above it; each registers the related name by which its
model refers to prompts and pipelines, in ``AppConfig.ready()``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from organizations.tenancy.admin import TenantAdmin


@dataclass(frozen=True)
class Usage:
    """The related name that an upper app's rows are counted by, and the column's label."""

    related_name: str
    label: str


_usages: dict[type[models.Model], Usage] = {}


def register_usage(model: type[models.Model], related_name: str, label: str) -> None:
    """Show, in the list of ``model``, how many rows ``related_name`` leads to."""
    _usages[model] = Usage(related_name, label)


class UsageAdmin(TenantAdmin[Any]):
    """An admin whose list shows how many rows use each of its rows."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows; on the list, annotated with ``usage_count``."""
        queryset = super().get_queryset(request)
        usage = _usages.get(self.model)
        # A row with an aggregate cannot be locked: only the list needs the count.
        match = request.resolver_match
        if usage and match is not None and str(match.url_name).endswith("_changelist"):
            queryset = queryset.annotate(
                usage_count=models.Count(usage.related_name, distinct=True)
            )
        return queryset

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, with the count before the last one."""
        *columns, last = super().get_list_display(request)
        usage = _usages.get(self.model)
        return (*columns, _count_column(usage), last) if usage else (*columns, last)


def _count_column(usage: Usage) -> Callable[[Any], int]:
    @admin.display(description=usage.label, ordering="usage_count")
    def used_by(row: Any) -> int:
        count: int = row.usage_count
        return count

    return used_by
