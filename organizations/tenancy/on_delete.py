"""``on_delete`` functions of foreign keys."""

from typing import Final, TypeVar

from django.db import models
from django.db.models.deletion import Collector

from webchat_project.api.exceptions import MAX_USES

#: Reads one more row than an error counts, so that it can report "more than".
_MAX_ROWS: Final = MAX_USES + 1

_Row = TypeVar("_Row", bound=models.Model)


def without_texts(rows: models.QuerySet[_Row]) -> models.QuerySet[_Row]:
    """Return rows whose columns of unlimited size are read on access."""
    large = (models.TextField, models.JSONField)
    return rows.defer(
        *(field.name for field in rows.model._meta.concrete_fields if isinstance(field, large))
    )


def restrict_counted(
    collector: Collector,
    field: "models.ForeignKey[models.Model, models.Model]",
    rows: models.QuerySet[models.Model],
    using: str,
) -> None:
    """Do what ``RESTRICT`` does, but read only as many rows as an error counts.

    ``RESTRICT`` reads all rows that use the deleted ones, which can be those of an organization.
    """
    # The admin site's collector joins the deleted row, with its texts, to each row that uses it.
    rows = without_texts(rows.select_related(None))
    models.RESTRICT(collector, field, rows[:_MAX_ROWS], using)


# Otherwise Django reads all rows before the call.
restrict_counted.lazy_sub_objs = True  # type: ignore[attr-defined]
