"""The existing webchats that import rows update: found by ``_id``, or else by name."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from organizations.models import Organization
from webchats.imports.rows import ImportRow
from webchats.models import Webchat, WebchatQuerySet

ID_EXISTS: Final = (
    "A webchat with this id already exists. "
    "To change it, use the option to update existing webchats."
)
#: Also for an id of another organization, whose webchats must not be revealed.
ID_UNKNOWN: Final = (
    "The organization has no webchat with this id. To create a webchat, leave the id empty."
)


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


class ExistingWebchats:
    """Finds the existing webchats of import rows, and rejects duplicate rows of one webchat.

    ``allow_new_ids`` allows an id that no webchat has or had to a new row. Close it after use.
    """

    def __init__(self, organization: Organization, *, update: bool, allow_new_ids: bool) -> None:
        self._organization = organization
        self._update = update
        self._allow_new_ids = allow_new_ids
        self._duplicates = DuplicateDetector()

    def close(self) -> None:
        """Delete the keys stored to detect duplicates."""
        self._duplicates.close()

    def find(self, rows: Sequence[ImportRow]) -> list[Webchat | None]:
        """Return the existing webchat of each row, locked, or ``None`` for a new one.

        Ambiguous and duplicate rows get a problem. The number of queries does not depend on the
        number of rows.
        """
        ids = {row.id for row in rows if row.id}
        names = {name for row in rows if (name := _get_name(row)) and not row.id}
        stored = self._load_by_id(ids) if self._update and ids else {}
        by_name = self._load_by_name(names) if self._update and names else {}
        unavailable = self._find_unavailable(ids - stored.keys())
        webchats = []
        for row in rows:
            webchat = stored.get(row.id) if row.id else self._find_by_name(row, by_name)
            if webchat is None and row.id in unavailable:
                row.reject("_id", unavailable[row.id])
            self._reject_duplicate(row, webchat)
            webchats.append(webchat)
        return webchats

    def _find_by_name(self, row: ImportRow, by_name: dict[str, list[Webchat]]) -> Webchat | None:
        webchats = by_name.get(_get_name(row), [])
        if len(webchats) > 1:
            row.reject("name", f"{len(webchats)} webchats have this name. Use the column _id.")
        return webchats[0] if webchats else None

    def _reject_duplicate(self, row: ImportRow, webchat: Webchat | None) -> None:
        """Reject a row that has a key of an earlier row; otherwise store its keys."""
        name = _get_name(row) if self._update else ""
        keys = []
        if row.id or webchat is not None:
            keys.append(f"id {row.id or (webchat and webchat.pk)}")
        if name and not row.id:
            keys.append(f"name {name}")
        for key in keys:
            if (line := self._duplicates.find_line(key)) is not None:
                row.reject("_id" if row.id else "name", f"Duplicate of {row.unit} {line}.")
                return
        if name and row.id:
            # A later row with this name and without an id would update this webchat.
            keys.append(f"name {name}")
        for key in keys:
            self._duplicates.add(key, row.line)

    # --- Queries ---

    def _load_by_id(self, ids: set[str]) -> dict[str, Webchat]:
        return {webchat.pk: webchat for webchat in self._locked().filter(pk__in=ids)}

    def _load_by_name(self, names: set[str]) -> dict[str, list[Webchat]]:
        found: dict[str, list[Webchat]] = defaultdict(list)
        for webchat in self._locked().filter(name__in=names):
            found[webchat.name].append(webchat)
        return found

    def _locked(self) -> "WebchatQuerySet[Webchat]":
        webchats = Webchat.objects.for_organization(self._organization.pk).order_by("pk")
        return webchats.select_for_update(of=("self",), no_key=True)

    def _find_unavailable(self, ids: set[str]) -> dict[str, str]:
        """Return the ids that a new row cannot have, with the reason.

        A webchat of the organization that was deleted can be restored with its id. The id of a
        deleted webchat of another organization is unavailable, because its widget may still be
        embedded in pages and its change history is kept.
        """
        if not ids:
            return {}
        own = self._organization.pk
        stored = dict(Webchat.objects.filter(pk__in=ids).values_list("pk", "organization_id"))
        versions = Webchat.history.filter(id__in=ids).order_by()
        owners: dict[str, set[str]] = defaultdict(set)
        for webchat_id, organization_id in (
            *stored.items(),
            *versions.values_list("id", "organization_id").distinct(),
        ):
            owners[webchat_id].add(organization_id)
        unavailable = {}
        for webchat_id in ids:
            is_unknown = not owners[webchat_id] and not self._allow_new_ids
            if stored.get(webchat_id) == own:
                unavailable[webchat_id] = ID_EXISTS
            elif is_unknown or owners[webchat_id] - {own}:
                unavailable[webchat_id] = ID_UNKNOWN
        return unavailable


def _get_name(row: ImportRow) -> str:
    """Return the row's name, or ``""`` if it has no valid one."""
    return str(row.values.get("name", ""))
