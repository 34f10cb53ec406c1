"""``on_delete`` functions of foreign keys."""

from typing import Final, TypeVar

from django.contrib.admin.utils import NestedObjects
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.db.models.deletion import Collector

from webchat_project.api.exceptions import MAX_USES

#: Reads one more row than an error counts, so that it can report "more than".
_MAX_ROWS: Final = MAX_USES + 1

_Row = TypeVar("_Row", bound=models.Model)


def without_texts(rows: models.QuerySet[_Row]) -> models.QuerySet[_Row]:
    """Return rows whose columns of long texts are read on access."""
    fields = rows.model._meta.concrete_fields
    return rows.defer(*(field.name for field in fields if isinstance(field, models.TextField)))


def restrict_counted(
    collector: Collector,
    field: "models.ForeignKey[models.Model, models.Model]",
    rows: models.QuerySet[models.Model],
    using: str,
) -> None:
    """Behave like ``RESTRICT``, but read only as many rows as an error counts.

    ``RESTRICT`` reads all rows that use the deleted ones, which can be those of an organization,
    and all of their columns.
    """
    # The admin site's collector joins the deleted row, with its texts, to each row that uses it.
    rows = rows.select_related(None).only("pk")
    models.RESTRICT(collector, field, rows[:_MAX_ROWS], using)


# Otherwise Django reads all rows before the call.
restrict_counted.lazy_sub_objs = True  # type: ignore[attr-defined]


def restrict_last(
    collector: Collector,
    field: "models.ForeignKey[models.Model, models.Model]",
    links: models.QuerySet[models.Model],
    using: str,
) -> None:
    """Delete links of a many-to-many relation, unless a row would lose the last of its links.

    Then restrict the deletion, as ``restrict_counted`` does. ``field`` is the foreign key of the
    relation's table to the deleted rows. The rows are locked first: all who change the links of a
    row lock it, so no other transaction removes its other links in the meantime.
    """
    table = field.model._base_manager.using(using)
    (source,) = (key for key in field.model._meta.get_fields() if key.is_relation and key != field)
    assert isinstance(source, models.ForeignKey)
    deleted = [row.pk for row in collector.data[field.remote_field.model]]
    of_row = table.filter(**{source.name: OuterRef("pk")})
    rows = source.remote_field.model._base_manager.using(using)
    linked = rows.filter(Exists(of_row.filter(**{f"{field.name}__in": deleted})))
    if transaction.get_connection(using).in_atomic_block and not _is_page(collector):
        list(linked.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    last = linked.exclude(Exists(of_row.exclude(**{f"{field.name}__in": deleted})))
    collector.add_restricted_objects(source, last.only("pk")[:_MAX_ROWS])
    collector.fast_deletes.append(links)


restrict_last.lazy_sub_objs = True  # type: ignore[attr-defined]


def _is_page(collector: Collector) -> bool:
    return isinstance(collector, NestedObjects)
