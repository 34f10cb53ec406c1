"""The import and export of contacts, by ``webchats.imports``.

Columns are named like the fields of the API. A pipeline or stage is given by its id, by its name,
or by both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from organizations.models import Organization, Pipeline, Stage
from webchat_project.api.fields import StringField
from webchat_project.api.object_ids import new_object_id
from webchats.conversations.api.contact_serializers import ContactSerializer
from webchats.conversations.imports.cells import read_cells
from webchats.conversations.models import Contact, ContactMerge, StageMove
from webchats.conversations.models.contact import NO_IDENTITY
from webchats.conversations.moves import build_move
from webchats.imports.bulk import BulkWriter
from webchats.imports.columns import REJECT_COLUMNS
from webchats.imports.importer import ImportRun
from webchats.imports.matching import ExistingRows
from webchats.imports.options import ImportOptions
from webchats.imports.references import References
from webchats.imports.rows import Formula, ImportRow, Table
from webchats.models.imports import ImportedRows

#: The columns with values, which are also the model fields.
VALUES: Final = ("name", "email", "phone", "status", "locale")
#: The columns that refer to a row by its id, and by its name.
_REFERENCES: Final = {"pipelineId": "pipeline", "stageId": "stage"}
#: The columns of an export, and the values of a contact for them.
EXPORTED: Final = (
    *("_id", "name", "email", "phone", "pipelineId", "pipeline", "stageId", "stage"),
    *("status", "locale"),
)
_EXPORTED_VALUES: Final = (
    *("pk", "name", "email", "phone", "pipeline_id", "pipeline__name", "stage_id", "stage__name"),
    *("status", "locale"),
)
#: The columns of a file. Those of the document that are not exported are ignored.
KNOWN: Final = frozenset((*ContactSerializer.Meta.fields, *EXPORTED, *REJECT_COLUMNS)) - {
    "fromStageId"
}

_FIELDS: Final = {field.name: field for field in Contact._meta.concrete_fields}
_API_FIELDS: Final = {
    **ContactSerializer().fields,
    # The API does not write it.
    "locale": StringField(allow_blank=True, allow_null=True),
}
_WRITER: Final = BulkWriter(Contact)
#: The fields of a stored contact that an import may change.
_WRITTEN: Final = (*VALUES, "pipeline", "stage", "stage_entered_at", "updated_at")
_written_values: Final = attrgetter(*VALUES, "pipeline_id", "stage_id")
_CHUNK: Final = 2_000
_MERGED: Final = "The contact was merged into {pk}. Use that id, or undo the merge."
_DIFFERENT: Final = "{kind} and {kind}Id refer to different rows. Clear one of them."


def read_rows(contacts: QuerySet[Contact]) -> Iterator[list[object]]:
    """Yield the values of each contact in the order of ``EXPORTED``."""
    rows = contacts.values_list(*_EXPORTED_VALUES)
    return map(list, rows.iterator(chunk_size=_CHUNK))


class ExistingContacts(ExistingRows[Contact]):
    """Finds the stored contacts of import rows. The id of a merged one cannot be used again."""

    def __init__(self, organization: Organization, options: ImportOptions) -> None:
        super().__init__(Contact, organization, options, name_field="email")

    def find_unavailable(self, ids: set[str]) -> dict[str, str]:
        """Return the ids that a new contact cannot have, with the reason."""
        unavailable = super().find_unavailable(ids)
        merges = ContactMerge.objects.for_organization(self.organization.pk).in_effect()
        rows = merges.filter(removed_id__in=ids).values_list("removed_id", "contact_id", "kept_id")
        for removed_id, contact_id, kept_id in rows:
            unavailable[removed_id] = _MERGED.format(pk=contact_id or kept_id)
        return unavailable


class ContactValidator:
    """Validates the rows of a file, and applies them to new and stored contacts.

    Executes no query.
    """

    def __init__(self, table: Table, organization: Organization, now: datetime) -> None:
        self._is_json = table.is_json
        self._has_header = table.header is not None
        self._organization = organization
        self._now = now
        self._references = References(organization)

    def read(self, row: ImportRow) -> None:
        """Set the row's id and values. ``create`` and ``change`` resolve its references."""
        read_cells(row, self._read_value, known=KNOWN, used=EXPORTED, has_header=self._has_header)

    def _read_value(self, row: ImportRow, column: str, cell: object) -> None:
        if column in VALUES:
            value = _API_FIELDS[column].run_validation(cell) if self._is_json else str(cell)
            model_field = _FIELDS[column]
            is_default = value is None
            row.values[column] = (
                model_field.get_default() if is_default else model_field.clean(value, None)
            )

    def create(self, row: ImportRow) -> Contact:
        """Return the new contact of the row. It has been seen when it was imported."""
        contact = Contact(
            id=row.id or new_object_id(),
            organization=self._organization,
            created_at=self._now,
            updated_at=self._now,
            first_seen_at=self._now,
            last_seen_at=self._now,
            **row.values,
        )
        self._place(row, contact)
        # Visitors who have entered nothing are exported, too, and have an id.
        if not row.id and not row.problems and not contact.has_identity:
            row.reject("name", NO_IDENTITY)
        return contact

    def change(self, row: ImportRow, stored: Contact, /) -> bool:
        """Assign the row's values to a stored contact. Return whether a value has changed."""
        before = _written_values(stored)
        for name, value in row.values.items():
            setattr(stored, name, value)
        self._place(row, stored)
        if _written_values(stored) == before:
            return False
        stored.updated_at = self._now
        return True

    def _place(self, row: ImportRow, contact: Contact) -> None:
        """Set the pipeline and the stage that the row names, and validate them."""
        if not row.cells.keys() & {*_REFERENCES, *_REFERENCES.values()}:
            return
        # Each assignment avoids a query.
        contact.pipeline = self._references.pipelines.get(contact.pipeline_id or "")
        contact.stage = self._references.stages.get(contact.stage_id or "")
        for id_column, column in _REFERENCES.items():
            try:
                self._set_reference(row, contact, id_column, column)
            except ValidationError as error:
                is_by_id = row.cells.get(id_column) is not None
                row.reject_value(id_column if is_by_id else column, error)
                return
        try:
            contact.clean_placement()
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                given = name if row.cells.get(name) is not None else f"{name}Id"
                row.reject_value(given, ValidationError(errors))
        if contact.stored_placement()[1] != contact.stage_id:
            contact.stage_entered_at = self._now if contact.stage_id else None

    def _set_reference(self, row: ImportRow, contact: Contact, id_column: str, column: str) -> None:
        pk, name = row.cells.get(id_column), row.cells.get(column)
        if isinstance(pk, Formula) or isinstance(name, Formula):
            return
        if pk is not None:
            found = self._references.with_id(column, pk)
            if name is not None and not _has_name(found, name):
                raise ValidationError(_DIFFERENT.format(kind=column), "invalid")
        elif name is not None:
            found = self._references.with_name(column, name, contact.pipeline)
        elif id_column in row.cells:
            found = None
        else:
            return
        setattr(contact, column, found)

    def get_moves(self, contacts: Iterable[Contact]) -> Iterator[StageMove]:
        """Yield the unsaved moves that the new pipelines and stages of contacts make."""
        for contact in contacts:
            pipeline_id, stage_id = contact.stored_placement()
            if (pipeline_id, stage_id) != (contact.pipeline_id, contact.stage_id):
                pipeline = self._references.pipelines.get(pipeline_id or "")
                stage = self._references.stages.get(stage_id or "")
                yield build_move(contact, pipeline, stage, None)


def _has_name(row: object, name: object) -> bool:
    if not isinstance(name, str):
        return False
    if isinstance(row, Stage):
        return row.has_name_or_slug(name.strip())
    assert isinstance(row, Pipeline)
    return row.name == name.strip()


@dataclass
class ContactImport(ImportRun[Contact, Contact]):
    """An import of contacts."""

    known_columns = KNOWN
    used_columns = EXPORTED
    resource = ImportedRows.CONTACTS
    find_existing = partial(ExistingContacts)

    rows: ContactValidator = field(init=False)

    def make_validator(self, table: Table) -> ContactValidator:
        self.rows = ContactValidator(table, self.organization, timezone.now())
        return self.rows

    def write(self, created: list[Contact], updated: list[Contact]) -> None:
        """Write the contacts with their history, and the moves."""
        _WRITER.insert(map(_WRITER.values_of, created), by=self.user)
        _WRITER.update(updated, _WRITTEN, by=self.user)
        StageMove.objects.bulk_create(self.rows.get_moves([*created, *updated]))
