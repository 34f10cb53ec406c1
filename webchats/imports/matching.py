"""The stored rows that import rows update: found by ``_id``, or else by name."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from django.db import models
from simple_history.utils import get_history_manager_for_model

from organizations.models import Organization
from organizations.tenancy.models import TenantModel, TenantQuerySet
from webchats.imports.options import ImportOptions
from webchats.imports.rows import ImportRow

_Row = TypeVar("_Row", bound=TenantModel)

_ID_EXISTS: Final = (
    "A {name} with this id already exists. "
    "To change it, use the option to update existing {plural}."
)
#: Also for an id of another organization, whose rows must not be revealed.
_ID_UNKNOWN: Final = (
    "The organization has no {name} with this id. To create a {name}, leave the id empty."
)


def id_exists(model: type[models.Model]) -> str:
    """Return the error message for the id of a stored row in an import without updates."""
    return _ID_EXISTS.format(name=model._meta.verbose_name, plural=model._meta.verbose_name_plural)


class DuplicateDetector:
    """Detects duplicate keys of a file: stores each key with the number of its first row.

    The temporary database is on disk, so that memory does not grow with the file. Close it after
    use.
    """

    def __init__(self) -> None:
        # SQLite deletes the database with an empty name when it is closed.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE keys (key TEXT PRIMARY KEY, line INT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Close the connection, which deletes the temporary database."""
        self._database.close()

    def find_line(self, key: str) -> int | None:
        """Return the number of the first row that has ``key``, ``None`` if no row has it."""
        row = self._database.execute("SELECT line FROM keys WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def add(self, key: str, line: int) -> None:
        """Store a key unless it is already stored."""
        self._database.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (key, line))


class ExistingRows(Generic[_Row]):
    """Finds the stored rows of import rows, and rejects duplicate import rows of one stored row.

    ``name_field`` is the model field that names a row, and also its column. Close it after use.
    """

    def __init__(
        self,
        model: type[_Row],
        organization: Organization,
        options: ImportOptions,
        name_field: str = "name",
    ) -> None:
        self._model = model
        self._name_field = name_field
        self.organization = organization
        self._update = options.update
        self._allow_new_ids = options.allow_new_ids
        self._duplicates = DuplicateDetector()

    def close(self) -> None:
        """Delete the keys stored to detect duplicates."""
        self._duplicates.close()

    def find(self, rows: Sequence[ImportRow]) -> list[_Row | None]:
        """Return the stored row of each import row, locked, or ``None`` for a new one.

        Ambiguous and duplicate rows get a problem. The number of queries does not depend on the
        number of rows.
        """
        ids = {row.id for row in rows if row.id}
        names = {name for row in rows if (name := self._get_name(row)) and not row.id}
        by_id = self._load_by_id(ids) if self._update and ids else {}
        by_name = self._load_by_name(names) if self._update and names else {}
        unavailable = self.find_unavailable(ids - by_id.keys())
        found = []
        for row in rows:
            stored = by_id.get(row.id) if row.id else self._find_by_name(row, by_name)
            if stored is None and row.id in unavailable:
                row.reject("_id", unavailable[row.id])
            self._reject_duplicate(row, stored)
            found.append(stored)
        return found

    def _find_by_name(self, row: ImportRow, by_name: dict[str, list[_Row]]) -> _Row | None:
        found = by_name.get(self._get_name(row), [])
        if len(found) > 1:
            plural, field = self._model._meta.verbose_name_plural, self._name_field
            row.reject(field, f"{len(found)} {plural} have this {field}. Use the column _id.")
        return found[0] if found else None

    def _reject_duplicate(self, row: ImportRow, stored: _Row | None) -> None:
        """Reject a row that has a key of an earlier row; otherwise store its keys."""
        name = self._get_name(row) if self._update else ""
        keys = []
        if row.id or stored is not None:
            keys.append(f"id {row.id or (stored and stored.pk)}")
        if name and not row.id:
            keys.append(f"name {name}")
        for key in keys:
            if (line := self._duplicates.find_line(key)) is not None:
                column = "_id" if row.id else self._name_field
                row.reject(column, f"Duplicate of {row.unit} {line}.")
                return
        if name and row.id:
            # A later row with this name and without an id would update this one.
            keys.append(f"name {name}")
        for key in keys:
            self._duplicates.add(key, row.line)

    # --- Queries ---

    def _load_by_id(self, ids: set[str]) -> dict[str, _Row]:
        return {stored.pk: stored for stored in self._locked().filter(pk__in=ids)}

    def _load_by_name(self, names: set[str]) -> dict[str, list[_Row]]:
        found: dict[str, list[_Row]] = defaultdict(list)
        for stored in self._locked().filter(**{f"{self._name_field}__in": names}):
            found[stored.serializable_value(self._name_field)].append(stored)
        return found

    def _locked(self) -> TenantQuerySet[_Row]:
        rows: TenantQuerySet[_Row] = TenantQuerySet(self._model)
        rows = rows.for_organization(self.organization.pk).order_by("pk")
        return rows.select_for_update(of=("self",), no_key=True)

    def find_unavailable(self, ids: set[str]) -> dict[str, str]:
        """Return the ids that a new row cannot have, with the reason.

        A row of the organization that was deleted can be restored with its id. The id of a deleted
        row of another organization is unavailable, because its change history is kept, and the
        widget of a webchat may still be embedded in pages.
        """
        if not ids:
            return {}
        own = self.organization.pk
        stored = dict(
            self._model._base_manager.filter(pk__in=ids).values_list("pk", "organization_id")
        )
        versions = get_history_manager_for_model(self._model).filter(id__in=ids).order_by()
        owners: dict[str, set[str]] = defaultdict(set)
        for row_id, organization_id in (
            *stored.items(),
            *versions.values_list("id", "organization_id").distinct(),
        ):
            owners[row_id].add(organization_id)
        unavailable = {}
        for row_id in ids:
            is_unknown = not owners[row_id] and not self._allow_new_ids
            if stored.get(row_id) == own:
                unavailable[row_id] = id_exists(self._model)
            elif is_unknown or owners[row_id] - {own}:
                unavailable[row_id] = _ID_UNKNOWN.format(name=self._model._meta.verbose_name)
        return unavailable

    def _get_name(self, row: ImportRow) -> str:
        """Return the row's name, or ``""`` if it has no valid one."""
        return str(row.values.get(self._name_field, ""))
