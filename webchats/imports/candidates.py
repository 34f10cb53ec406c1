"""Rows of a file as webchats: what they say, and what they would become."""

from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models.base import ModelState

from organizations.models import Organization, User
from webchat_project.api.object_ids import new_object_id, validate_object_id
from webchat_project.api.serializers import model_name_of
from webchats.imports import columns
from webchats.imports.candidate import Candidate
from webchats.imports.judge import Judge
from webchats.imports.row import Row
from webchats.models import Webchat

_FIELDS: Final[Any] = Webchat._meta.concrete_fields
_MODEL_NAME: Final = {name: model_name_of(Webchat, name) for name in columns.EXPORTED}

#: The fields of a stored row that an import may change.
WRITABLE: Final = (
    *(_MODEL_NAME[name] for name in columns.EXPORTED if name != "_id"),
    "entry_stage",
)
_written: Final = attrgetter(*(f.attname for f in _FIELDS if f.name in WRITABLE))


class Candidates:
    """Makes candidates of rows, and webchats of candidates, without a query."""

    def __init__(
        self,
        *,
        organization: Organization,
        user: User,
        judge: Judge,
        header: list[str] | None,
        typed: bool,
        now: datetime,
    ) -> None:
        self._judge = judge
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
            candidate.refuse("_id", str(validate_object_id.message))
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
        self._judge.judge_new(candidate, webchat)
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
        self._judge.load(webchat)
        for name, value in candidate.values.items():
            setattr(webchat, name, value)
        self._judge.judge(candidate, webchat)
        if _written(webchat) == before:
            return False
        webchat.updated_at = self._now
        return True

    def _missing(self, candidate: Candidate, name: str) -> None:
        alias = next((a for a, document in columns.NAMED.items() if document == name), None)
        if alias is None or candidate.row.cells.get(alias) is None:
            candidate.refuse(name, "This field is required.")
