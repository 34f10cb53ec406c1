"""The import of knowledge entries, by ``webchats.imports``."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from django.core.exceptions import ValidationError
from django.utils import timezone
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from organizations.models import Organization
from organizations.tenancy.models import DOES_NOT_EXIST, TOO_MANY
from webchat_project.api.object_ids import new_object_id
from webchats.conversations.imports import columns
from webchats.conversations.imports.cells import read_cells
from webchats.conversations.models import KnowledgeEntry
from webchats.imports.importer import ImportRun
from webchats.imports.matching import ExistingRows
from webchats.imports.options import ImportOptions
from webchats.imports.rows import ImportRow, Table
from webchats.models.imports import ImportedRows

#: The fields of a stored entry that an import may change.
_WRITTEN: Final = (*columns.VALUE_COLUMNS, "questions", "updated_at")
#: Links to prompts that are written together. A batch of rows can have a million.
LINK_CHUNK: Final = 5_000
_Prompts = set[str]


@dataclass
class Change:
    """An entry, and the ids of its prompts; ``None`` if they do not change."""

    entry: KnowledgeEntry
    prompts: _Prompts | None = None


class ExistingEntries(ExistingRows[KnowledgeEntry]):
    """Finds the stored entries of import rows, and the prompts of those that a row may change."""

    def __init__(self, organization: Organization, options: ImportOptions) -> None:
        super().__init__(KnowledgeEntry, organization, options, name_field="question")
        #: The ids of the prompts of the entries found last, by the id of the entry.
        self.prompts: dict[str, _Prompts] = {}

    def find(self, rows: Sequence[ImportRow]) -> list[KnowledgeEntry | None]:
        """Return the stored entry of each row, and set ``prompts``."""
        found = super().find(rows)
        pairs = zip(rows, found, strict=True)
        ids = {entry.pk for row, entry in pairs if entry and "prompts" in row.values}
        self.prompts = defaultdict(set)
        if ids:
            links = KnowledgeEntry.prompts.through.objects.filter(knowledgeentry__in=ids)
            for entry_id, prompt_id in links.values_list(
                "knowledgeentry_id", "prompt_id"
            ).iterator():
                self.prompts[entry_id].add(prompt_id)
        return found


class EntryValidator:
    """Validates the rows of a file, and applies them to new and stored entries."""

    def __init__(
        self, table: Table, organization: Organization, existing: ExistingEntries, now: datetime
    ) -> None:
        self._existing = existing
        self._is_json = table.is_json
        self._has_header = table.header is not None
        self._organization = organization
        self._now = now
        self._by_name = columns.prompts_by_name(organization.pk)
        self._prompts = {pk for ids in self._by_name.values() for pk in ids}
        self._count = KnowledgeEntry.objects.for_organization(organization.pk).count()
        #: The prompts of changed entries, by the id of the entry.
        self.changed_prompts: dict[str, _Prompts] = {}

    def read(self, row: ImportRow) -> None:
        """Set the row's id and values. The ids of its prompts are the value ``prompts``."""
        read_cells(
            row,
            self._read_value,
            known=columns.KNOWN,
            used=columns.USED,
            has_header=self._has_header,
        )

    def _read_value(self, row: ImportRow, column: str, cell: object) -> None:
        value = columns.parse(column, cell, is_json=self._is_json)
        if column == "promptIds":
            row.values["prompts"] = self._require_ids(value)
        elif column == columns.PROMPTS:
            if row.cells.get("promptIds") is not None:
                raise ValidationError("Give either prompts or promptIds, not both.", "invalid")
            row.values["prompts"] = self._find_names(value)
        else:
            name = next(n for n, known in columns.VALUE_COLUMNS.items() if known == column)
            row.values[name] = value

    def _require_ids(self, ids: object) -> _Prompts:
        assert isinstance(ids, list)
        if unknown := [index for index, pk in enumerate(ids) if pk not in self._prompts]:
            message = DOES_NOT_EXIST.format(kind="prompt")
            raise ValidationError(
                [ValidationError(message, "does_not_exist", {"index": i}) for i in unknown]
            )
        return set(ids)

    def _find_names(self, names: object) -> _Prompts:
        assert isinstance(names, list)
        found: _Prompts = set()
        errors = []
        for index, name in enumerate(names):
            ids = self._by_name.get(name.strip(), [])
            if len(ids) == 1:
                found |= set(ids)
                continue
            message = "No prompt has this name."
            if ids:
                message = f"{len(ids)} prompts have this name. Use promptIds."
            errors.append(ValidationError(message, "invalid", {"index": index}))
        if errors:
            raise ValidationError(errors)
        return found

    def create(self, row: ImportRow) -> Change:
        """Return the new entry of the row."""
        rejected = {problem.field for problem in row.problems}
        for name in ("question", "answer"):
            if name not in row.values and name not in rejected:
                row.reject(name, columns.REQUIRED)
        if not row.problems:
            self._count += 1
            limit = KnowledgeEntry.max_per_organization
            if self._count > limit:
                plural = KnowledgeEntry._meta.verbose_name_plural
                row.reject("", TOO_MANY.format(limit=limit, kind=plural))
        values = {name: value for name, value in row.values.items() if name != "prompts"}
        entry = KnowledgeEntry(
            id=row.id or new_object_id(), organization=self._organization, **values
        )
        prompts = row.values.get("prompts")
        return Change(entry, prompts if isinstance(prompts, set) else None)

    def change(self, row: ImportRow, stored: KnowledgeEntry, /) -> bool:
        """Assign the values to a stored entry. Return whether one, or its prompts, has changed."""
        is_changed = False
        for name, value in row.values.items():
            if name == "prompts":
                assert isinstance(value, set)
                if value != self._existing.prompts.get(stored.pk, set()):
                    self.changed_prompts[stored.pk] = value
                    is_changed = True
            elif getattr(stored, name) != value:
                setattr(stored, name, value)
                is_changed = True
        if is_changed:
            stored.updated_at = self._now
        return is_changed


@dataclass
class KnowledgeImport(ImportRun[KnowledgeEntry, Change]):
    """An import of knowledge entries. There are few, so that the plain ORM is fast enough."""

    known_columns = columns.KNOWN
    used_columns = columns.USED
    resource = ImportedRows.KNOWLEDGE
    find_existing = partial(ExistingEntries)

    rows: EntryValidator = field(init=False)

    def make_validator(self, table: Table) -> EntryValidator:
        assert isinstance(self.existing, ExistingEntries)
        self.rows = EntryValidator(table, self.organization, self.existing, timezone.now())
        return self.rows

    def write(self, created: list[Change], updated: list[KnowledgeEntry]) -> None:
        """Write the entries, their history and the links to their prompts."""
        entries = [change.entry for change in created]
        for entry in (*entries, *updated):
            entry.set_questions()
        if entries:
            bulk_create_with_history(entries, KnowledgeEntry, default_user=self.user)
        if updated:
            bulk_update_with_history(
                updated, KnowledgeEntry, list(_WRITTEN), default_user=self.user
            )
        links = KnowledgeEntry.prompts.through.objects
        changed = {change.entry.pk: change.prompts for change in created if change.prompts}
        is_changed = {entry.pk for entry in updated} & self.rows.changed_prompts.keys()
        links.filter(knowledgeentry__in=is_changed).delete()
        changed |= {pk: self.rows.changed_prompts[pk] for pk in is_changed}
        self.rows.changed_prompts.clear()
        new_links = (
            links.model(knowledgeentry_id=pk, prompt_id=prompt)
            for pk, prompts in changed.items()
            for prompt in sorted(prompts)
        )
        # ``bulk_create`` makes a list of all, also with a ``batch_size``.
        while chunk := list(islice(new_links, LINK_CHUNK)):
            links.bulk_create(chunk)
