"""What a row as a whole refers to, and the rules that span its fields."""

from collections.abc import Iterator
from typing import Any, Final

from django.core.exceptions import ValidationError

from webchat_project.api.serializers import model_name_of
from webchats.imports import columns
from webchats.imports.candidate import Candidate
from webchats.imports.icons import IconFiles
from webchats.imports.references import References
from webchats.models import Webchat

_MODEL_NAME: Final = {name: model_name_of(Webchat, name) for name in columns.EXPORTED}
_DOCUMENT_NAME: Final = {model: name for name, model in _MODEL_NAME.items()}
_FIELDS: Final[Any] = Webchat._meta.concrete_fields
_RELATIONS: Final[Any] = {f.name: f for f in _FIELDS if f.is_relation}

# What ``Webchat.clean()`` judges a new row by: these cells, and these values of the row.
_CELLS: Final = (*sorted(columns.REFERENCES), "icon")
_VALUES: Final = sorted(
    {*Webchat.validation_dependencies, *set().union(*Webchat.validation_dependencies.values())}
    - {_MODEL_NAME[name] for name in _CELLS if name in _MODEL_NAME}
    - {"organization"}
)
#: Few of an organization's rows differ in these; in their icons they may all.
_REMEMBERED: Final = 2_048


class Judge:
    """Sets a row's references and icon, and asks the model about the row, without a query."""

    def __init__(self, references: References, icon_files: IconFiles) -> None:
        self._references = references
        self._icons = icon_files
        self._good: dict[tuple[Any, ...], dict[str, Any]] = {}

    def judge_new(self, candidate: Candidate, webchat: Webchat) -> None:
        """As ``judge``, for a row that is not stored: what it was found to refer to is remembered
        with the cells that say so."""
        if candidate.problems:
            self.judge(candidate, webchat)
            return
        key = (*_kinds(candidate), *[candidate.values.get(name) for name in _VALUES])
        decided = self._good.get(key)
        if decided is not None:
            webchat.__dict__.update(decided)
            return
        before = dict(webchat.__dict__)
        self.judge(candidate, webchat)
        if not candidate.problems:
            if len(self._good) == _REMEMBERED:
                self._good.clear()
            self._good[key] = {
                field.attname: value
                for field in _FIELDS
                if (value := webchat.__dict__[field.attname]) != before[field.attname]
            }

    def judge(self, candidate: Candidate, webchat: Webchat) -> None:
        """Give the webchat what its row refers to, and check it; what is wrong is with the
        candidate."""
        webchat.check_icon = self._icons.check
        self._refer(candidate, webchat)
        self._set_icon(candidate, webchat)
        self._check(candidate, webchat)

    def load(self, webchat: Webchat) -> None:
        """Let a stored row have its pipeline and its stage without a query."""
        for name, kind in (("pipeline", "pipeline"), ("pipeline_stage", "stage")):
            row = self._references.by_id[kind].get(getattr(webchat, _RELATIONS[name].attname))
            if row is not None:
                _RELATIONS[name].set_cached_value(webchat, row)

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
                if not _judged_by_wrong(candidate, _MODEL_NAME[name]):
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
            for model_name, errors in error.error_dict.items():
                name = _DOCUMENT_NAME.get(model_name, model_name)
                if not _judged_by_wrong(candidate, model_name, model_name):
                    alias = next((a for a, n in columns.NAMED.items() if n == name), name)
                    name = alias if alias in candidate.row.cells else name
                    candidate.refuse(name, ValidationError(errors))


def _kinds(candidate: Candidate) -> Iterator[Any]:
    """The judged cells as a key: text as it is, of everything else (a formula, ``null``, a list)
    its kind, since none of it is good but to say "none"."""
    get = candidate.row.cells.get
    for name in _CELLS:
        cell = get(name, ...)
        yield cell if type(cell) is str else type(cell)


def _judged_by_wrong(candidate: Candidate, model_name: str, *more: str) -> bool:
    """Whether the row has a problem already with what the field is judged by (or with ``more``)."""
    refused = {
        _MODEL_NAME.get(columns.NAMED.get(problem.field, problem.field), problem.field)
        for problem in candidate.problems
    }
    return bool(refused & {*Webchat.validation_dependencies.get(model_name, ()), *more})


def _point(webchat: Webchat, name: str, row: Any) -> None:
    """``setattr`` without asking the router of databases, which is most of its time."""
    relation = _RELATIONS[name]
    setattr(webchat, relation.attname, None if row is None else row.pk)
    relation.set_cached_value(webchat, row)
