"""Which stored webchat does a row of the file mean? By ``_id`` if it has one, else by name."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from django.db.models import Value
from django.db.models.functions import Lower

from organizations.models import Organization
from webchats.imports.candidate import Candidate
from webchats.imports.seen import Seen
from webchats.models import Webchat

#: The same for an id of this organization's and of another's: another's rows do not exist.
_TAKEN: Final = "This id cannot be given to a new row."


class Matcher:
    """Finds the stored rows of one batch after the other, and what stands in the file twice."""

    def __init__(self, organization: Organization, seen: Seen, *, update: bool) -> None:
        self._organization = organization
        self._seen = seen
        self._update = update

    def match(self, batch: list[Candidate]) -> Iterator[tuple[Candidate, Webchat | None]]:
        """Each candidate with its stored row, ``None`` for a new one; a candidate that cannot be
        matched has a problem more. Locks the stored rows."""
        ids = {candidate.id for candidate in batch if candidate.id}
        stored: dict[str, Webchat] = {}
        by_name: dict[str, list[Webchat]] = {}
        if self._update:
            names = {c.name for c in batch if c.name and not c.id}
            stored, by_name = self._rows_with(ids), self._rows_called(names)
        taken = self._taken(ids - stored.keys())
        for candidate in batch:
            if candidate.row.broken:
                yield candidate, None
                continue
            row = self._row_of(candidate, stored, by_name)
            if row is None and candidate.id in taken:
                candidate.refuse(
                    "_id",
                    _TAKEN
                    if self._update
                    else f"{_TAKEN} To change the row that has it, import with update.",
                )
            self._note(candidate, row)
            yield candidate, row

    def _row_of(
        self, candidate: Candidate, stored: dict[str, Webchat], by_name: dict[str, list[Webchat]]
    ) -> Webchat | None:
        if candidate.id:
            return stored.get(candidate.id)
        rows = by_name.get(candidate.name or "", [])
        if len(rows) > 1:
            candidate.refuse("name", f"{len(rows)} webchats have this name. Give the _id.")
        return rows[0] if rows else None

    def _note(self, candidate: Candidate, row: Webchat | None) -> None:
        """Report a key that the file had before, and remember this one."""
        line, keys = candidate.row.line, []
        if candidate.id or row is not None:
            keys.append(("_id", f"id {candidate.id or (row and row.pk)}"))
        if self._update and candidate.name and not candidate.id:
            keys.append(("name", f"name {candidate.name}"))
        for name, key in keys:
            if (before := self._seen.line_of(key)) is not None:
                column = name if candidate.id else "name"
                candidate.refuse(
                    column, f"The same row stands in {candidate.row.unit} {before} already."
                )
                return
        for _, key in keys:
            self._seen.add(key, line)
        if self._update and candidate.name and candidate.id:
            # A later row of this name alone would mean the one that is made or renamed here.
            self._seen.add(f"name {candidate.name}", line)

    # --- What is stored ---

    def _rows_with(self, ids: set[str]) -> dict[str, Webchat]:
        return {row.pk: row for row in self._locked(pk__in=ids)} if ids else {}

    def _rows_called(self, names: set[str]) -> dict[str, list[Webchat]]:
        found: dict[str, list[Webchat]] = defaultdict(list)
        if names:
            # By the index, which holds the names in lower case as the database writes it; its
            # idea of that differs from Python's outside ASCII.
            lowered = [name.lower() if name.isascii() else Lower(Value(name)) for name in names]
            rows: Iterable[Webchat] = self._locked(lowered__in=lowered)
            for row in rows:
                if row.name in names:
                    found[row.name].append(row)
        return found

    def _locked(self, **wanted: object) -> Iterable[Webchat]:
        rows = Webchat.objects.for_organization(self._organization.pk)
        rows = rows.alias(lowered=Lower("name")).filter(**wanted).order_by("pk")
        locked: Iterable[Webchat] = rows.select_for_update(of=("self",), no_key=True)
        return locked

    def _taken(self, ids: set[str]) -> set[str]:
        if not ids:
            return set()
        # Of any organization: the primary key is one for all. A deleted row's id is still known to
        # the sites that embed it, and to its history.
        others = Webchat.history.exclude(organization_id=self._organization.pk)
        return {
            *Webchat.objects.filter(pk__in=ids).values_list("pk", flat=True),
            *others.filter(id__in=ids).values_list("id", flat=True),
        }
