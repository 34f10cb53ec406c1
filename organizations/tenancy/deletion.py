"""Deletion in the admin site: the action on selected rows, and the rows that delete pages list."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, Generic, TypeAlias, TypeVar

from django.contrib import admin, messages
from django.contrib.admin import actions
from django.contrib.admin.utils import NestedObjects, quote
from django.db import models, router, transaction
from django.db.models.deletion import (
    CASCADE,
    Collector,
    RestrictedError,
    get_candidate_relations_to_delete,
)
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from organizations.models import User
from organizations.tenancy.concurrency import ConcurrencyLimit
from organizations.tenancy.models import TenantScoped
from organizations.tenancy.on_delete import without_texts
from webchat_project.api.exceptions import MAX_USES, DependencyUnavailable, describe_uses

_Row = TypeVar("_Row", bound=models.Model)
#: Texts, each of which may be followed by the list of the rows that depend on it. Django's stubs
#: have ``list[str]``, which a recursive type does not match.
NestedTexts: TypeAlias = list[Any]

#: How many selected rows one request deletes. Their change history stores all of their values.
MAX_DELETED: Final = 100
#: How many rows one request deletes, with the rows that the delete page lists below them.
MAX_LISTED: Final = 1_000
#: How many rows of each model with ``is_detail`` one request reads to delete them.
MAX_DETAILS: Final = 10_000
#: Deletions that run at a time in a process.
MAX_DELETIONS: Final = 3
#: How many of the rows that use a row are listed.
_MAX_USES_LISTED: Final = 10
_TOO_MANY: Final = "more than {limit:,} {rows}, which would be deleted with it. Delete these first."

_deletions: Final = ConcurrencyLimit(MAX_DELETIONS)


class DeletionsBusy(DependencyUnavailable):
    """The deletion was not started, because of others that run."""

    log_message = "A deletion was not started"
    client_message = "Another deletion is running. Nothing was deleted. Try again in a moment."


class TooManyRows(Exception):
    """More than ``MAX_LISTED`` or ``MAX_DETAILS`` rows would be deleted. The text is for users."""


@contextmanager
def deletion_slot(request: HttpRequest) -> Iterator[None]:
    """Count a deletion, or its confirmation page, of the user's organization during the block.

    Raise ``DeletionsBusy`` if another of the organization or ``MAX_DELETIONS`` run.
    """
    assert isinstance(request.user, User)
    organization_id = request.user.organization_id or request.user.pk
    _deletions.add(organization_id, DeletionsBusy(), DeletionsBusy())
    try:
        yield
    finally:
        _deletions.discard(organization_id)


class _ListedObjects(NestedObjects):
    """The rows that a delete page lists.

    Django's class reads every dependent row. This one reads no rows of models with ``is_detail``,
    of many-to-many relations and of other apps, such as Django's log entries: the database deletes
    them by queries.
    """

    def can_fast_delete(self, objs: Any, from_field: Any = None) -> bool:
        """Return whether the rows of a related model are neither read nor listed."""
        if from_field is None or _is_listed(objs):
            return False
        return bool(from_field.remote_field.on_delete is CASCADE or from_field.null)

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> Any:
        """Return dependent rows without their texts, and one more than are deleted at most."""
        rows = super().related_objects(related_model, related_fields, objs)
        return without_texts(rows)[: MAX_LISTED + 1]

    def collect(self, objs: Any, *args: Any, **options: Any) -> None:
        """Collect the rows. Raise ``TooManyRows`` if a deletion would read too many."""
        super().collect(objs, *args, **options)
        if sum(map(len, self.model_objs.values())) > MAX_LISTED:
            raise TooManyRows(_TOO_MANY.format(limit=MAX_LISTED, rows="rows"))
        self._require_few_details(list(objs))

    def _require_few_details(self, rows: list[models.Model]) -> None:
        """Raise ``TooManyRows`` if the rows have many details that the deletion would read."""
        for relation in get_candidate_relations_to_delete(rows[0]._meta) if rows else ():
            assert isinstance(relation, models.ManyToOneRel)
            model, field = relation.related_model, relation.field
            assert isinstance(model, type)
            if relation.on_delete is not CASCADE or not issubclass(model, TenantScoped):
                continue
            details = model._base_manager.filter(**{f"{field.name}__in": rows})
            if _is_listed(model) or Collector.can_fast_delete(self, details, field):
                continue
            if details[: MAX_DETAILS + 1].count() > MAX_DETAILS:
                plural = model._meta.verbose_name_plural
                raise TooManyRows(_TOO_MANY.format(limit=MAX_DETAILS, rows=plural))


def _is_listed(model: type[models.Model]) -> bool:
    return issubclass(model, TenantScoped) and not model.is_detail


class DeletionMixin(admin.ModelAdmin[_Row], Generic[_Row]):
    """The deletion of rows with limits on the rows read by a request, for ``TenantAdmin``."""

    #: The consequences of the deletion of a row, for the page that asks for confirmation.
    deletion_note = ""

    def get_deleted_objects(
        self, objs: Sequence[_Row] | models.QuerySet[_Row], request: HttpRequest
    ) -> tuple[NestedTexts, dict[str, int], set[str], NestedTexts]:
        """Return the result of Django's method for the rows of ``_ListedObjects``.

        If rows are in use or too many, return why in place of the permissions that the user lacks.
        """
        collector = _ListedObjects(using=router.db_for_write(self.model), origin=objs)
        try:
            collector.collect(objs)
        except TooManyRows as error:
            return [], {}, set(), [str(error)]
        lacking: set[str] = set()

        def describe(row: models.Model) -> str:
            if not self._may_delete(request, row):
                lacking.add(str(row._meta.verbose_name))
            return self._describe(row)

        listed = collector.nested(describe)
        counts = {
            str(next(iter(rows))._meta.verbose_name_plural): len(rows)
            for rows in collector.model_objs.values()
            if rows
        }
        if not collector.protected:
            return listed, counts, lacking, []
        # Other columns than the key are read on access.
        first = [self._describe(row) for row in islice(collector.protected, _MAX_USES_LISTED)]
        return [], {}, set(), [*first, *_others(collector.protected), _summary(collector.protected)]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show or process the page. A row that another request has just used shows it again."""
        context = {"deletion_note": self.deletion_note, **(extra_context or {})}
        try:
            return super().delete_view(request, object_id, context)
        except RestrictedError:
            return HttpResponseRedirect(request.get_full_path())

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[_Row]) -> None:
        """Delete the rows, which are read again in one query with all of their columns."""
        keys = [row.pk for row in queryset]
        self.model._base_manager.filter(pk__in=keys).delete()

    def _may_delete(self, request: HttpRequest, row: models.Model) -> bool:
        if not self.admin_site.is_registered(type(row)):
            return True
        return self.admin_site.get_model_admin(type(row)).has_delete_permission(request, row)

    def _describe(self, row: models.Model) -> str:
        options = row._meta
        name = f"{self.admin_site.name}:{options.app_label}_{options.model_name}_change"
        try:
            url = reverse(name, args=[quote(row.pk)])
        except NoReverseMatch:
            return f"{capfirst(options.verbose_name)}: {row}"
        return format_html('{}: <a href="{}">{}</a>', capfirst(options.verbose_name), url, row)


@admin.action(
    description=actions.delete_selected.short_description,  # type: ignore[attr-defined]
    permissions=["delete"],
)
def delete_selected(
    model_admin: "admin.ModelAdmin[models.Model]",
    request: HttpRequest,
    queryset: models.QuerySet[models.Model],
) -> HttpResponse | None:
    """Run Django's action, unless more than ``MAX_DELETED`` rows are selected.

    Then show a message on the list, and delete nothing. Raise ``DeletionsBusy`` while others run.
    """
    # Neither page nor log entries show texts and rows of relations.
    rows = without_texts(queryset.select_related(None).prefetch_related(None))
    if rows.order_by()[: MAX_DELETED + 1].count() <= MAX_DELETED:
        try:
            with deletion_slot(request), transaction.atomic():
                response = actions.delete_selected(model_admin, request, rows)
                if not isinstance(response, TemplateResponse):
                    return response
                note = getattr(model_admin, "deletion_note", "")
                response.context_data = {**(response.context_data or {}), "deletion_note": note}
                return response.render()
        except RestrictedError as error:
            message = f"Nothing was deleted: in use by {describe_uses(error)}."
            model_admin.message_user(request, message, messages.ERROR)
            return None
    message = (
        f"Nothing was deleted: at most {MAX_DELETED:,} {model_admin.opts.verbose_name_plural} can "
        "be deleted at a time. Filter the list, or delete them in portions."
    )
    model_admin.message_user(request, message, messages.ERROR)
    return None


def _summary(uses: set[models.Model]) -> str:
    hints = {use.use_hint for use in uses if isinstance(use, TenantScoped)} - {""}
    text = describe_uses(RestrictedError("", uses))
    return f"{text}. {' '.join(sorted(hints)) or 'Change or delete these first.'}"


def _others(uses: set[models.Model]) -> list[str]:
    others = min(len(uses), MAX_USES) - _MAX_USES_LISTED
    if others <= 0:
        return []
    number = f"more than {others}" if len(uses) > MAX_USES else str(others)
    return [f"and {number} more"]
