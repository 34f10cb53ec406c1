"""Validation of import rows: their values, the rows that they refer to, and the model's rules."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as ApiValidationError
from rest_framework.fields import Field

from organizations.models import Organization, User
from webchat_project.api.object_ids import new_object_id, validate_object_id
from webchats.imports import columns
from webchats.imports.icons import ImportIcons
from webchats.imports.references import References
from webchats.imports.rows import Formula, ImportRow, Table
from webchats.models import Webchat

_COLUMNS: Final = {field_name: column for column, field_name in columns.MODEL_FIELDS.items()}
_NAME_COLUMNS: Final = {id_column: column for column, id_column in columns.NAME_COLUMNS.items()}

#: The fields of a stored webchat that an import may change.
WRITABLE: Final = (
    *(name for column, name in columns.MODEL_FIELDS.items() if column != "_id"),
    "entry_stage",
)
_FIELDS: Final = Webchat._meta.concrete_fields
_written_values: Final = attrgetter(*(f.attname for f in _FIELDS if f.name in WRITABLE))

#: The columns besides ``initialStage`` that ``_set_reference`` and ``Webchat.clean()`` depend on.
_TEMPLATE_COLUMNS: Final = (*columns.NAME_COLUMNS, *columns.NAME_COLUMNS.values(), "icon")
MAX_TEMPLATES: Final = 2_048

_REQUIRED: Final = str(Field.default_error_messages["required"])
_NULL: Final = str(Field.default_error_messages["null"])
FORMULA: Final = (
    "Formulas are not allowed. Enter the value itself. In CSV, put an apostrophe before text that "
    "starts with =."
)


class RowValidator:
    """Validates the rows of a file, and applies them to new and stored webchats.

    Executes no query, except for an icon that occurs for the first time.
    """

    def __init__(
        self,
        table: Table,
        *,
        organization: Organization,
        user: User,
        references: References,
        icons: ImportIcons,
        now: datetime,
    ) -> None:
        self._references = references
        self._icons = icons
        self._now = now
        self._has_header = table.header is not None
        self._is_json = table.is_json
        # The cells are JSON values or strings.
        self._parse_cell: Callable[[str, Any], object] = (
            columns.parse_json if table.is_json else columns.parse_text
        )
        # An empty cell means "every site", but only in a column that the file has.
        optional = {"allowedDomains"} & set(table.header or ())
        self._required = [name for name in columns.REQUIRED if name not in optional]
        self._common_values = {
            "organization_id": organization.pk,
            "user_id": user.pk,
            "created_by_id": user.pk,
            "created_at": now,
            "updated_at": now,
        }
        self._templates: dict[tuple[object, ...], dict[str, object]] = {}
        #: The icons that valid changes have replaced.
        self.replaced_icons: list[str] = []

    # --- The row itself ---

    def read(self, row: ImportRow) -> None:
        """Set the row's id and values. ``create`` and ``change`` resolve its references."""
        if len(row.cells) > columns.MAX_COLUMNS:
            row.malformed = "Too many columns."
        if row.malformed:
            row.reject("", row.malformed)
            return
        for column, cell in row.cells.items():
            if isinstance(cell, Formula) and column in columns.IMPORTED:
                row.reject(column, FORMULA)
            elif column in columns.VALUE_FIELDS:
                try:
                    row.values[columns.MODEL_FIELDS[column]] = self._parse_cell(column, cell)
                except (ValidationError, ApiValidationError) as error:
                    row.reject_value(column, error)
            elif column == "_id":
                self._read_id(row, cell)
            elif column not in columns.KNOWN and not self._has_header:
                # The importer reports an unknown column of a header once.
                row.reject(column, columns.unknown_column(column))

    def _read_id(self, row: ImportRow, cell: object) -> None:
        if cell is None:
            return
        text = cell.strip() if isinstance(cell, str) else ""
        try:
            validate_object_id(text)
        except ValidationError as error:
            row.reject_value("_id", error)
        else:
            row.id = text

    # --- The webchat ---

    def create(self, row: ImportRow) -> list[object]:
        """Return the values of the row's webchat in the order of the model's fields.

        Errors become the row's problems.
        """
        for column in self._required:
            if column not in row.cells and row.cells.get(_NAME_COLUMNS.get(column, "")) is None:
                row.reject(column, _REQUIRED)
        webchat_id = row.id or new_object_id()
        template = self._template(row, webchat_id)
        return list((template | row.values | {"id": webchat_id}).values())

    def _template(self, row: ImportRow, webchat_id: str) -> dict[str, object]:
        """Return the values, by attribute, of a valid webchat with the references of the row.

        Rows of text files that refer to the same rows, with the same icon and initial stage, share
        a template, because ``Webchat.clean()`` depends on nothing else. Without this cache, an
        import takes 1.6 times as long.
        """
        key = *map(row.cells.get, _TEMPLATE_COLUMNS), row.values.get("initial_stage")
        is_cacheable = not self._is_json and not row.problems
        if is_cacheable and key in self._templates:
            return self._templates[key]
        webchat = Webchat(id=webchat_id, **self._common_values, **row.values)
        self._apply_references(row, webchat)
        template: dict[str, object] = {}
        for field in _FIELDS:
            is_own = field.attname in row.values
            template[field.attname] = (
                field.get_default() if is_own else getattr(webchat, field.attname)
            )
        if is_cacheable and not row.problems:
            if len(self._templates) == MAX_TEMPLATES:
                self._templates.clear()
            self._templates[key] = template
        return template

    def change(self, row: ImportRow, webchat: Webchat) -> bool:
        """Assign the row's values to a stored webchat. Return whether a value has changed."""
        before, icon = _written_values(webchat), webchat.icon
        # Each assignment avoids a query.
        if pipeline := self._references.pipelines.get(webchat.pipeline_id or ""):
            webchat.pipeline = pipeline
        if stage := self._references.stages.get(webchat.pipeline_stage_id or ""):
            webchat.pipeline_stage = stage
        for name, value in row.values.items():
            setattr(webchat, name, value)
        self._apply_references(row, webchat)
        if _written_values(webchat) == before:
            return False
        webchat.updated_at = self._now
        if icon != webchat.icon and not row.problems:
            self.replaced_icons.append(icon)
        return True

    def _apply_references(self, row: ImportRow, webchat: Webchat) -> None:
        """Set the prompt, pipeline, stage and icon, and validate the webchat as a whole."""
        cells = row.cells
        for name_column, id_column in columns.NAME_COLUMNS.items():
            # An id of ``None`` removes the reference. A name of ``None`` is ignored.
            has_name = cells.get(name_column) is not None
            if has_name and cells.get(id_column) is not None:
                row.reject(name_column, f"Give either {name_column} or {id_column}, not both.")
            elif has_name or id_column in cells:
                self._set_reference(row, webchat, name_column if has_name else id_column)
        if "icon" in cells and cells["icon"] != webchat.icon:
            self._set_icon(row, webchat)
        self._clean(row, webchat)

    def _set_reference(self, row: ImportRow, webchat: Webchat, column: str) -> None:
        if isinstance(row.cells[column], Formula):
            return
        id_column = columns.NAME_COLUMNS.get(column, column)
        field_name = columns.MODEL_FIELDS[id_column]
        cell, kind = row.cells[column], _NAME_COLUMNS[id_column]
        try:
            if cell is None and id_column in columns.REQUIRED:
                raise ValidationError(_NULL, code="null")
            if cell is None:
                reference = None
            elif column == id_column:
                reference = self._references.with_id(kind, cell)
            else:
                reference = self._references.with_name(kind, cell, webchat.pipeline)
        except ValidationError as error:
            if not _invalid_fields(row) & _get_dependencies(field_name):
                row.reject_value(column, error)
        else:
            setattr(webchat, field_name, reference)

    def _set_icon(self, row: ImportRow, webchat: Webchat) -> None:
        if isinstance(row.cells["icon"], Formula):
            return
        webchat.check_icon = self._icons.validate
        try:
            webchat.icon = self._icons.get_key(row.cells["icon"])
        except ValidationError as error:
            row.reject_value("icon", error)

    def _clean(self, row: ImportRow, webchat: Webchat) -> None:
        try:
            webchat.clean()
        except ValidationError as error:
            for field_name, errors in error.error_dict.items():
                if _invalid_fields(row) & {field_name, *_get_dependencies(field_name)}:
                    continue
                column = _COLUMNS.get(field_name, field_name)
                name_column = _NAME_COLUMNS.get(column, column)
                given = name_column if name_column in row.cells else column
                row.reject_value(given, ValidationError(errors))


def _get_dependencies(field_name: str) -> set[str]:
    """Return the fields that the field's validation depends on."""
    return Webchat.validation_dependencies.get(field_name, set())


def _invalid_fields(row: ImportRow) -> set[str]:
    """Return the model fields that have problems."""
    fields = (problem.field for problem in row.problems)
    id_columns = (columns.NAME_COLUMNS.get(field, field) for field in fields)
    return {columns.MODEL_FIELDS.get(column, column) for column in id_columns}
