"""Deletion in the admin site: the action on selected rows, and the rows that delete pages list."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin import actions
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from organizations.tenancy.models import TenantScoped
from webchat_project.api.exceptions import MAX_USES

#: Texts, each of which may be followed by the list of the rows that depend on it. Django's stubs
#: have ``list[str]``, which a recursive type does not match.
NestedTexts: TypeAlias = list[Any]

#: How many selected rows one request deletes: it reads all of them, with the rows that are deleted
#: with them.
MAX_DELETED: Final = 1_000
#: How many of the rows that use a row are listed.
_MAX_LISTED: Final = 10


@admin.action(
    description=actions.delete_selected.short_description,  # type: ignore[attr-defined]
    permissions=["delete"],
)
def delete_selected(
    model_admin: "admin.ModelAdmin[models.Model]",
    request: HttpRequest,
    queryset: models.QuerySet[models.Model],
) -> HttpResponse | None:
    """Do what Django's action does, unless more than ``MAX_DELETED`` rows are selected.

    Then show a message on the list, and delete nothing.
    """
    if queryset.order_by()[: MAX_DELETED + 1].count() <= MAX_DELETED:
        return actions.delete_selected(model_admin, request, queryset)
    message = (
        f"Nothing was deleted: at most {MAX_DELETED:,} {model_admin.opts.verbose_name_plural} can "
        "be deleted at a time. Filter the list, or delete them in portions."
    )
    model_admin.message_user(request, message, messages.ERROR)
    return None


def without_details(rows: Iterable[object]) -> NestedTexts:
    """Return Django's nested list of rows without those of models with ``is_detail``."""
    labels = tuple(f"{capfirst(model._meta.verbose_name)}: " for model in _details())
    return list(_without(rows, labels))


def without_detail_counts(counts: dict[str, int]) -> dict[str, int]:
    """Return the numbers of rows by plural name without those of models with ``is_detail``."""
    names = {str(model._meta.verbose_name_plural) for model in _details()}
    return {name: count for name, count in counts.items() if str(name) not in names}


def first_uses(uses: list[str]) -> list[str]:
    """Return the first ten rows that use a row, and the number of the others."""
    others = min(len(uses), MAX_USES) - _MAX_LISTED
    if others <= 0:
        return uses
    number = f"more than {others}" if len(uses) > MAX_USES else str(others)
    return [*uses[:_MAX_LISTED], f"and {number} more"]


def _details() -> list[type[models.Model]]:
    # The tables of many-to-many relations have models, too.
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.auto_created or (issubclass(model, TenantScoped) and model.is_detail)
    ]


def _without(rows: Iterable[object], labels: tuple[str, ...]) -> Iterator[object]:
    for row in rows:
        if isinstance(row, list):
            if nested := list(_without(row, labels)):
                yield nested
        elif not str(row).startswith(labels):
            yield row
