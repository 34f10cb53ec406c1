"""Detection of changed columns."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self, Unpack

from django.db import models

from organizations.options import SaveOptions


class StoredValues(models.Model):
    """An abstract model that keeps a copy of the values that were loaded or saved."""

    #: The stored values by column, as far as they are known.
    _stored: Mapping[str, object] = {}

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[object],
        **options: Any,
    ) -> Self:
        row = super().from_db(db, field_names, values, **options)
        row._stored = dict(zip(field_names, values, strict=False))
        return row

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Self] | None = None,
    ) -> None:
        names = None if fields is None else set(fields)
        super().refresh_from_db(using, names, from_queryset)
        self._mark_stored(names)

    def save(self, **options: Unpack[SaveOptions]) -> None:
        update_fields = options.get("update_fields")
        names = None if update_fields is None else set(update_fields)
        options["update_fields"] = names
        super().save(**options)
        self._mark_stored(names)

    def changed_columns(self) -> set[str]:
        """Return the columns that differ from the stored row. For a new row, return all columns."""
        return {
            column
            for field in self._meta.concrete_fields
            if (column := field.attname) in self.__dict__
            if column not in self._stored or self._stored[column] != self.__dict__[column]
        }

    def _mark_stored(self, names: Collection[str] | None) -> None:
        """Record the current values of the named fields (``None``: all) as the stored values."""
        values = {
            field.attname: self.__dict__[field.attname]
            for field in self._meta.concrete_fields
            if field.attname in self.__dict__
            if names is None or field.name in names or field.attname in names
        }
        # Copies of the row share the old mapping.
        self._stored = {**self._stored, **values}
