"""One row of a file as a webchat: what it says, what is wrong with it, what it would become."""

from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models.base import ModelState

from organizations.documents import details_of, model_name_of
from organizations.models import Organization, User
from organizations.object_ids import new_object_id
from webchats.models import Webchat
from webchats.transfer import columns
from webchats.transfer.icon_files import IconFiles
from webchats.transfer.references import References
from webchats.transfer.report import Problem
from webchats.transfer.row import Row

_FIELDS: Final[Any] = Webchat._meta.concrete_fields
_MODEL_NAME: Final = {name: model_name_of(Webchat, name) for name in columns.EXPORTED}
_DOCUMENT_NAME: Final = {model: name for name, model in _MODEL_NAME.items()}

#: The fields of a stored row that an import may change.
WRITABLE: Final = (
    *(_MODEL_NAME[name] for name in columns.EXPORTED if name != "_id"),
    "entry_stage",
)
_written: Final = attrgetter(*(f.attname for f in _FIELDS if f.name in WRITABLE))

_RELATIONS: Final[Any] = {f.name: f for f in _FIELDS if f.is_relation}


@dataclass(slots=True)
class Candidate:
    """A row that was read. ``values`` are valid, by the model's names."""

    row: Row
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    id: str | None = None

    def refuse(self, name: str, error: ValidationError | str) -> None:
        """Say what is wrong with the column ``name``."""
        if isinstance(error, str):
            self.problems.append(Problem(self.row.line, name, error))
            return
        details = details_of(error)
        by_place = details.items() if isinstance(details, dict) else [(None, details)]
        for place, messages in by_place:
            where = name if place is None else f"{name}.{place}"
            self.problems.extend(Problem(self.row.line, where, str(text)) for text in messages)

    @property
    def name(self) -> str | None:
        """The valid name, if it has one."""
        return self.values.get("name")


class Candidates:
    """Makes candidates of rows, and webchats of candidates, without a query."""

    def __init__(
        self,
        *,
        organization: Organization,
        user: User,
        references: References,
        icon_files: IconFiles,
        header: list[str] | None,
        typed: bool,
        now: datetime,
    ) -> None:
        self._references = references
        self._icons = icon_files
        self._header = header
        # A sheet's empty cell can say "every site", if the column is there to say it.
        said = {"allowedDomains"} & set(header or ())
        self._required = [name for name in columns.REQUIRED if name not in said]
        self._typed = typed
        self._read = columns.value_readers(typed=typed)
        self._now = now
        self._defaults = {field.attname: field.get_default() for field in _FIELDS}
        self._defaults |= {
            "organization_id": organization.pk,
            "user_id": user.pk,
            "created_by_id": user.pk,
            "created_at": now,
            "updated_at": now,
        }

    # --- Reading ---

    def read(self, row: Row) -> Candidate:
        """The row's values. Those of other rows are for ``create`` and ``change`` to look at."""
        candidate = Candidate(row)
        if row.broken:
            candidate.refuse("", row.broken)
            return candidate
        if len(row.cells) > columns.MOST_COLUMNS:
            # As for a header; and not one problem for each.
            row.broken = "The row has far more names than a webchat has."
            candidate.refuse("", row.broken)
            return candidate
        values = candidate.values
        for name, cell in row.cells.items():
            reader = self._read.get(name)
            if reader is None:
                self._read_other(candidate, name, cell)
                continue
            try:
                values[_MODEL_NAME[name]] = reader(columns.hashable(cell) if self._typed else cell)
            except ValidationError as error:
                candidate.refuse(name, error)
        return candidate

    def _read_other(self, candidate: Candidate, name: str, cell: Any) -> None:
        if name in columns.REFERENCES or name == "icon":
            return
        if name == "_id":
            self._read_id(candidate, cell)
        elif name not in columns.KNOWN and self._header is None:
            # A header's unknown column is reported once, not for every row.
            candidate.refuse(name, columns.unknown_column(name))

    def _read_id(self, candidate: Candidate, cell: Any) -> None:
        if cell is None:
            return
        if not isinstance(cell, str):
            candidate.refuse("_id", "Must be an id: 24 hexadecimal characters.")
            return
        try:
            candidate.id = Webchat._meta.pk.clean(cell.strip(), None)
        except ValidationError as error:
            candidate.refuse("_id", error)

    # --- Making ---

    def create(self, candidate: Candidate) -> Webchat:
        """The webchat that the row would become; what is wrong is with the candidate."""
        for name in self._required:
            if name not in candidate.row.cells:
                self._missing(candidate, name)
        webchat = self._blank(candidate.id or new_object_id())
        webchat.__dict__.update(candidate.values)
        self._refer(candidate, webchat)
        self._set_icon(candidate, webchat)
        self._check(candidate, webchat)
        return webchat

    def _blank(self, pk: str) -> Webchat:
        """A new webchat with what all rows share. Not by calling the class: a third of an
        import's time would go into setting the same defaults one by one."""
        webchat = Webchat.__new__(Webchat)
        webchat.__dict__.update(self._defaults)
        webchat.__dict__.update(_state=ModelState(), id=pk)
        return webchat

    def change(self, candidate: Candidate, webchat: Webchat) -> bool:
        """Give the stored row the values; whether that changes it."""
        before = _written(webchat)
        if webchat.pipeline_id in self._references.by_id["pipeline"]:
            webchat.pipeline = self._references.by_id["pipeline"][webchat.pipeline_id]
        if webchat.pipeline_stage_id in self._references.by_id["stage"]:
            webchat.pipeline_stage = self._references.by_id["stage"][webchat.pipeline_stage_id]
        for name, value in candidate.values.items():
            setattr(webchat, name, value)
        self._refer(candidate, webchat)
        self._set_icon(candidate, webchat)
        self._check(candidate, webchat)
        if _written(webchat) == before:
            return False
        webchat.updated_at = self._now
        return True

    def _missing(self, candidate: Candidate, name: str) -> None:
        alias = next((a for a, document in columns.NAMED.items() if document == name), None)
        if alias is None or candidate.row.cells.get(alias) is None:
            candidate.refuse(name, "This field is required.")

    def _refer(self, candidate: Candidate, webchat: Webchat) -> None:
        """Set the prompt, the pipeline and the stage that the row gives by id or by name."""
        for alias, name in columns.NAMED.items():
            cells = candidate.row.cells
            by_id, by_name = cells.get(name, ...), cells.get(alias, ...)
            # Only an id can be said to be none: a name that is ``null`` is not given.
            if by_id is ... and by_name in (..., None):
                continue
            if by_id not in (..., None) and by_name not in (..., None):
                candidate.refuse(alias, f"Give either {alias} or {name}, not both.")
                continue
            column = name if by_name in (..., None) else alias
            try:
                row = self._reference(alias, column, cells[column], webchat)
            except ValidationError as error:
                candidate.refuse(column, error)
            else:
                _point(webchat, _MODEL_NAME[name], row)

    def _reference(self, kind: str, column: str, cell: Any, webchat: Webchat) -> Any:
        if cell is None:
            if column in columns.REQUIRED:
                raise ValidationError("This field cannot be null.", code="null")
            return None
        if isinstance(cell, columns.Formula):
            raise ValidationError("A formula is not a value.", code="invalid")
        if column != kind:
            return self._references.with_id(kind, cell)
        if kind == "stage":
            return self._references.stage_called(cell, webchat.pipeline)
        return self._references.named(kind, cell)

    def _set_icon(self, candidate: Candidate, webchat: Webchat) -> None:
        cell = candidate.row.cells.get("icon", ...)
        # As it is stored: not to be asked about again.
        if cell is ... or cell == webchat.icon:
            return
        try:
            webchat.icon = self._icons.key_of(cell)
        except ValidationError as error:
            candidate.refuse("icon", error)

    def _check(self, candidate: Candidate, webchat: Webchat) -> None:
        """The rules that span fields, as far as the row's own are kept."""
        try:
            webchat.clean()
        except ValidationError as error:
            refused = {problem.field for problem in candidate.problems}
            for model_name, errors in error.error_dict.items():
                name = _DOCUMENT_NAME.get(model_name, model_name)
                alias = next((a for a, n in columns.NAMED.items() if n == name), name)
                name = alias if alias in candidate.row.cells else name
                if not {name, alias} & refused:
                    candidate.refuse(name, ValidationError(errors))


def _point(webchat: Webchat, name: str, row: Any) -> None:
    """``setattr`` without asking the router of databases, which is most of its time."""
    relation = _RELATIONS[name]
    setattr(webchat, relation.attname, None if row is None else row.pk)
    relation.set_cached_value(webchat, row)
