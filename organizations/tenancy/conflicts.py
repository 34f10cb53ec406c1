"""Conflicts of admin forms: another user has changed the row since the form was opened.

The form contains the version of the row: see ``webchat_project.api.timestamps``. A save that would
overwrite another change is refused. The form then has the stored values of all fields that the user
has not changed, and the stored version, so that submitting it again keeps both changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Generic, TypeVar, Unpack, cast

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict

from organizations.history import MAX_VERSIONS, HistoryRecord, display_text, latest_records
from organizations.models import User
from organizations.options import FormData, FormFiles, ModelFormOptions
from organizations.tenancy.models import TenantScoped
from webchat_project.api.timestamps import get_version

_Row = TypeVar("_Row", bound=TenantScoped)

#: The code of the form's error.
CONFLICT: Final = "conflict"


@dataclass(frozen=True)
class ChangedField:
    """A field that another user has changed, with display texts of both values."""

    label: str
    theirs: str
    #: ``None`` if the user has not changed the field.
    mine: str | None


@dataclass(frozen=True)
class Conflict:
    """The changes of others since a form was opened."""

    #: "Hedy changed this webchat while you were editing."
    summary: str
    #: When the last change was saved.
    at: datetime
    fields: list[ChangedField]
    #: Whether the user made all of these changes, for example in another window.
    is_own: bool = False

    @property
    def overlaps(self) -> bool:
        """Whether both have changed the same field."""
        return any(field.mine is not None for field in self.fields)


class VersionField(forms.CharField):
    """The version of the row that the form shows. It is not a change of the user."""

    widget = forms.HiddenInput

    def has_changed(self, initial: object, data: object) -> bool:
        return False


class VersionedForm(forms.ModelForm[_Row], Generic[_Row]):
    """A form that is refused if another user has changed the row since it was opened.

    A form without a version, or with that of the stored row, is never refused.
    """

    #: The user who submits the form. ``TenantAdmin.get_form`` sets it.
    user: User
    #: Model fields that are edited by form fields of other names.
    inputs: ClassVar[dict[str, tuple[str, ...]]] = {}

    version = VersionField(required=False)
    #: The conflict of a submitted form.
    conflict: Conflict | None = None

    def __init__(
        self,
        data: FormData = None,
        files: FormFiles = None,
        **options: Unpack[ModelFormOptions[_Row]],
    ) -> None:
        super().__init__(data, files, **options)
        if self.instance._state.adding:
            self.fields.pop("version")
        else:
            self.initial["version"] = self.instance.row_version

    def get_changed_rows(self) -> list[ChangedField]:
        """Return the rows of inline formsets that a save may overwrite. The default has none."""
        return []

    def clean(self) -> dict[str, object] | None:
        """Compare the version, before the values are assigned to the row."""
        values = super().clean()
        submitted = self.cleaned_data.get("version")
        if submitted and submitted != self.instance.row_version:
            self._find_conflict(submitted)
        return values

    def _find_conflict(self, version: str) -> None:
        changes = _Changes(self.instance, version)
        fields = list(self._changed_fields(changes))
        is_overwritten = any(self._inputs(field.name) & {*self.changed_data} for field in fields)
        rows = self.get_changed_rows()
        if not is_overwritten and not rows:
            return
        self.conflict = Conflict(
            changes.summary(self.user),
            self.instance.updated_at,
            [*(self._compare(field, changes) for field in fields), *rows],
            is_own=changes.users == [self.user],
        )
        self._use_stored_values(changes)
        self.add_error(None, ValidationError(self.conflict.summary, CONFLICT))

    def _inputs(self, name: str) -> set[str]:
        return {*self.inputs.get(name, (name,))} & self.fields.keys()

    def _changed_fields(self, changes: "_Changes") -> Iterator[models.Field[object, object]]:
        """Yield the model fields that others changed; without history, those that differ."""
        for field in self.instance._meta.concrete_fields:
            if changes.opened is None:
                if self._inputs(field.name) & {*self.changed_data}:
                    yield field
            elif field.name not in self.instance.hidden_in_history and changes.has_changed(field):
                yield field

    def _is_mine(self, name: str, changes: "_Changes") -> bool:
        """Return whether the user has changed the input of the form since it was opened."""
        columns = {field.name: field.attname for field in self.instance._meta.concrete_fields}
        if changes.opened is None or name not in columns:
            return name in self.changed_data
        opened = getattr(changes.opened, columns[name])
        return self.fields[name].has_changed(opened, self[name].data)

    def _compare(self, field: models.Field[object, object], changes: "_Changes") -> ChangedField:
        mine = None
        if any(self._is_mine(name, changes) for name in self._inputs(field.name)):
            value = self.cleaned_data.get(field.name, self.data.get(self.add_prefix(field.name)))
            mine = display_text(field, value) if field.name in self.fields else "Your change"
        stored = getattr(self.instance, field.name)
        return ChangedField(str(field.verbose_name), display_text(field, stored), mine)

    def _use_stored_values(self, changes: "_Changes") -> None:
        """Set the stored version, and the stored values of fields that the user has not changed."""
        data = cast("QueryDict", self.data).copy()
        data[self.add_prefix("version")] = self.instance.row_version
        for name in self.changed_data:
            if self._is_mine(name, changes):
                continue
            key, field = self.add_prefix(name), self.fields[name]
            value = field.prepare_value(self.get_initial_for_field(field, name))
            data.pop(key, None)
            if not isinstance(field.widget, forms.CheckboxInput):
                data[key] = "" if value is None else str(value)
            elif value:
                data[key] = "on"
        self.data = data


class _Changes:
    """The history records of a row since a version."""

    def __init__(self, row: TenantScoped, version: str) -> None:
        self._row = row
        #: The record of the version; ``None`` if there is none.
        self.opened: HistoryRecord | None = None
        #: The newer records, the latest first.
        self._newer: list[HistoryRecord] = []
        if hasattr(row, "history"):
            for record in latest_records(row, MAX_VERSIONS):
                if get_version(record.updated_at) == version:
                    self.opened = record
                    break
                self._newer.append(record)

    def has_changed(self, field: models.Field[object, object]) -> bool:
        """Return whether the stored value differs from that of the version."""
        return bool(getattr(self.opened, field.attname) != getattr(self._row, field.attname))

    @property
    def users(self) -> list[AbstractBaseUser | None]:
        """The users who changed the row, the latest first; ``None`` for deleted users."""
        records = self._newer if self.opened else []
        return list({record.history_user: None for record in records})

    def summary(self, user: User) -> str:
        """Return a sentence with the names of the users who changed the row."""
        kind = self._row._meta.verbose_name
        if self.users == [user]:
            return f"You changed this {kind} in another window or by the API."
        names = _join([found.get_full_name() for found in self.users if isinstance(found, User)])
        return f"{names or 'Another user'} changed this {kind} while you were editing."


def _join(names: Sequence[str]) -> str:
    *first, last = names or ("",)
    return f"{', '.join(first)} and {last}" if first else last
