"""The import and export of canned replies, by ``webchats.imports``.

Columns are named like the fields of the API.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from organizations.models import Organization
from organizations.tenancy.models import TOO_MANY
from webchat_project.api.object_ids import new_object_id
from webchats.conversations.api.canned_replies import CannedReplySerializer
from webchats.conversations.imports.cells import read_cells
from webchats.conversations.imports.columns import REQUIRED
from webchats.conversations.models import CannedReply
from webchats.conversations.models.canned_reply import DUPLICATE_SHORTCUT
from webchats.imports.columns import REJECT_COLUMNS
from webchats.imports.importer import ImportRun
from webchats.imports.matching import ExistingRows
from webchats.imports.rows import ImportRow, Table
from webchats.models.imports import ImportedRows

#: The columns with values, which are also the model fields.
VALUES: Final = ("shortcut", "title", "text")
#: The columns of an export.
EXPORTED: Final = ("_id", *VALUES)
KNOWN: Final = frozenset((*CannedReplySerializer.Meta.fields, *REJECT_COLUMNS))

_FIELDS: Final = {field.name: field for field in CannedReply._meta.concrete_fields}
_API_FIELDS: Final = CannedReplySerializer().fields
_CHUNK: Final = 500


def read_rows(replies: QuerySet[CannedReply]) -> Iterator[list[object]]:
    """Yield the values of each reply in the order of ``EXPORTED``."""
    for reply in replies.iterator(chunk_size=_CHUNK):
        yield [reply.pk, *(getattr(reply, name) for name in VALUES)]


class CannedReplyValidator:
    """Validates the rows of a file, and applies them to new and stored replies."""

    def __init__(self, table: Table, organization: Organization, now: datetime) -> None:
        self._is_json = table.is_json
        self._has_header = table.header is not None
        self._organization = organization
        self._now = now
        stored = CannedReply.objects.for_organization(organization.pk)
        #: The ids by shortcut, before the import and after it. A row cannot get the former shortcut
        #: of another row, because the order of the writes would matter.
        self._owners = dict(stored.values_list("shortcut", "pk"))
        self._count = len(self._owners)

    def read(self, row: ImportRow) -> None:
        """Set the row's id and values."""
        read_cells(row, self._read_value, known=KNOWN, used=EXPORTED, has_header=self._has_header)

    def _read_value(self, row: ImportRow, column: str, cell: object) -> None:
        text = _API_FIELDS[column].run_validation(cell) if self._is_json else str(cell)
        row.values[column] = _FIELDS[column].clean(text, None)

    def create(self, row: ImportRow) -> CannedReply:
        """Return the new reply of the row."""
        rejected = {problem.field for problem in row.problems}
        for name in VALUES:
            if name not in row.values and name not in rejected:
                row.reject(name, REQUIRED)
        reply = CannedReply(
            id=row.id or new_object_id(), organization=self._organization, **row.values
        )
        self._take_shortcut(row, reply)
        if not row.problems:
            self._count += 1
            limit = CannedReply.max_per_organization
            if self._count > limit:
                plural = CannedReply._meta.verbose_name_plural
                row.reject("", TOO_MANY.format(limit=limit, kind=plural))
        return reply

    def change(self, row: ImportRow, stored: CannedReply, /) -> bool:
        """Assign the values to a stored reply. Return whether one has changed."""
        is_changed = False
        for name, value in row.values.items():
            if getattr(stored, name) != value:
                setattr(stored, name, value)
                is_changed = True
        self._take_shortcut(row, stored)
        if is_changed:
            stored.updated_at = self._now
        return is_changed

    def _take_shortcut(self, row: ImportRow, reply: CannedReply) -> None:
        """Reject the shortcut of another reply."""
        if "shortcut" not in row.values:
            return
        if self._owners.get(reply.shortcut, reply.pk) != reply.pk:
            row.reject("shortcut", DUPLICATE_SHORTCUT)
        elif not row.problems:
            self._owners[reply.shortcut] = reply.pk


@dataclass
class CannedReplyImport(ImportRun[CannedReply, CannedReply]):
    """An import of canned replies."""

    known_columns = KNOWN
    used_columns = EXPORTED
    resource = ImportedRows.CANNED_REPLIES
    find_existing = partial(ExistingRows, CannedReply, name_field="shortcut")

    def make_validator(self, table: Table) -> CannedReplyValidator:
        return CannedReplyValidator(table, self.organization, timezone.now())

    def write(self, created: list[CannedReply], updated: list[CannedReply]) -> None:
        """Write the replies and their history."""
        if created:
            bulk_create_with_history(created, CannedReply, default_user=self.user)
        if updated:
            columns = [*VALUES, "updated_at"]
            bulk_update_with_history(updated, CannedReply, columns, default_user=self.user)
