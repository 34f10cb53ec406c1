"""``on_delete`` functions of foreign keys."""

from typing import Final

from django.db import models
from django.db.models.deletion import Collector

from webchat_project.api.exceptions import MAX_USES

#: Reads one more row than an error counts, so that it can report "more than".
_MAX_ROWS: Final = MAX_USES + 1


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
    models.RESTRICT(collector, field, rows.select_related(None)[:_MAX_ROWS], using)


# Otherwise Django reads all rows before the call.
restrict_counted.lazy_sub_objs = True  # type: ignore[attr-defined]
