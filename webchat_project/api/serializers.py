"""A model as the JSON document of the API.

One base class makes every document behave alike: camelCase names, JSON's own types, ``null`` for
"the default", partial updates that write only what was sent, and all field errors in one answer.
The rules themselves stay with the model: what it refuses here it refuses everywhere.
"""

import copy
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist
from django.core.exceptions import ValidationError as ModelError
from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from webchat_project.api import fields

_Row = TypeVar("_Row", bound=models.Model)


def model_name_of(model: type[models.Model], name: str) -> str:
    """The model's field behind a document's name: ``_id`` → ``id``, ``promptId`` → ``prompt``."""
    if name == "_id":
        return "id"
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    try:
        return model._meta.get_field(snake.removesuffix("_id")).name
    except FieldDoesNotExist:
        return snake


def details_of(error: ModelError) -> Any:
    """The messages of a model's error, with an entry's number where the error names one."""
    if hasattr(error, "error_dict"):
        return {name: details_of(ModelError(errors)) for name, errors in error.error_dict.items()}
    whole: list[ErrorDetail] = []
    by_index: dict[Any, list[ErrorDetail]] = {}
    for single in error.error_list:
        detail = ErrorDetail(single.messages[0], code=single.code or "invalid")
        index = (single.params or {}).get("index")
        (whole if index is None else by_index.setdefault(index, [])).append(detail)
    return by_index or whole


@cache
def _columns_of(model: type[models.Model]) -> frozenset[str]:
    return frozenset(field.name for field in model._meta.fields)


@cache
def _prototypes(serializer_class: type["DocumentSerializer[Any]"]) -> dict[str, Any]:
    return super(DocumentSerializer, serializer_class()).get_fields()


def _copy_of(field: Any) -> Any:
    """A field for one more serializer. (The framework's own copy runs the constructor again: that
    took a tenth of the time of a write.)"""
    if isinstance(field, serializers.BaseSerializer):
        return copy.deepcopy(field)
    made = copy.copy(field)
    if isinstance(field, serializers.ListField):
        made.child = _copy_of(field.child)
        made.child.parent = made
    return made


class DocumentSerializer(serializers.ModelSerializer[_Row]):
    """A model's document. ``Meta.fields`` lists the document's names, in its order."""

    serializer_choice_field = fields.ChoiceField
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: fields.StringField,
        models.TextField: fields.StringField,
        models.EmailField: fields.StringField,
        models.BooleanField: fields.BooleanField,
        models.IntegerField: fields.IntegerField,
        models.PositiveIntegerField: fields.IntegerField,
        models.FloatField: fields.NumberField,
        models.DateTimeField: fields.TimestampField,
    }

    @property
    def model(self) -> type[models.Model]:
        """The document's model."""
        return self.Meta.model

    # --- What the fields are ---

    def get_fields(self) -> dict[str, Any]:
        """The fields: made anew for each serializer, but thought out once for its class."""
        return {name: _copy_of(field) for name, field in _prototypes(type(self)).items()}

    def get_extra_kwargs(self) -> dict[str, Any]:
        """Each name's model field; ``null`` allowed where a field may be left out."""
        model = self.model
        kwargs = super().get_extra_kwargs()
        for name in self.Meta.fields:
            if name in self._declared_fields:
                continue
            options = kwargs.setdefault(name, {})
            field: Any = model._meta.get_field(model_name_of(model, name))
            if field.name != name:
                options["source"] = field.name
            if field.has_default() and field.editable and not options.get("read_only"):
                options["allow_null"] = True
        return kwargs

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """The field for a column, without its validators: ``to_internal_value`` has the model run
        them, and once is enough."""
        field_class, options = super().build_standard_field(field_name, model_field)
        options.pop("validators", None)
        return field_class, options

    def get_uniqueness_extra_kwargs(
        self, field_names: Any, declared_fields: Any, extra_kwargs: Any
    ) -> Any:
        """Uniqueness is the model's to check, like every other rule."""
        return extra_kwargs, {}

    def get_validators(self) -> list[Any]:
        """None: see ``get_uniqueness_extra_kwargs``."""
        return []

    # --- What a request says ---

    def to_internal_value(self, data: Any) -> Any:
        """The row's values, checked by the fields and then by the model; raises one error that
        holds everything that is wrong."""
        if not isinstance(data, Mapping):
            raise ValidationError(
                {NON_FIELD_ERRORS: [ErrorDetail("Must be a JSON object.", "invalid")]}
            )
        values, errors = self._read_fields(data)
        self._put_defaults_for_null(values)
        #: What could be read, where the whole is refused.
        self.readable = values
        row = self.unsaved_row(values)
        refused = {str(self.fields[name].source) for name in errors if name in self.fields}
        try:
            self.check_row(row, values, refused)
        except ModelError as error:
            dependencies: Mapping[str, set[str]] = getattr(
                self.model, "validation_dependencies", {}
            )
            for name, detail in details_of(error).items():
                # A right value is not blamed for the wrong one that it was judged by.
                if not refused & dependencies.get(name, set()):
                    errors.setdefault(self._document_name(name), detail)
        if errors:
            raise ValidationError(errors)
        # What is written is what was checked: the model may have brought a value into its stored
        # form (a short colour, a host name) or have decided another column by it.
        self.checked_row = row
        return {
            name: getattr(row, name) if self._is_column(name) else value
            for name, value in values.items()
        }

    def unsaved_row(self, values: Mapping[str, Any]) -> _Row:
        """The row as it would be saved; the stored one is left alone."""
        model = self.model
        row: Any = model() if self.instance is None else copy.copy(self.instance)
        for name, value in values.items():
            if self._is_column(name):
                setattr(row, name, value)
        return cast("_Row", row)

    def check_row(self, row: _Row, values: Mapping[str, Any], refused: set[str]) -> None:
        """Ask the model about the values sent and about the row as a whole.

        ``refused`` names fields that have failed already. References were looked up by their
        serializer fields, within the caller's organization.
        """
        untouched = {
            field.name
            for field in row._meta.fields
            if field.name not in values or field.is_relation or field.primary_key
        }
        row.full_clean(exclude=untouched | refused)

    def _read_fields(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            return super().to_internal_value(data), {}
        except ValidationError as error:
            errors = dict(error.detail)  # type: ignore[arg-type]
        # Read the good fields once more, so that their rules are reported in the same answer.
        good = {name: value for name, value in data.items() if name not in errors}
        # (Whether a field may be missing is asked of the outermost serializer.)
        partial, self.root.partial = self.root.partial, True
        try:
            return super().to_internal_value(good), errors
        finally:
            self.root.partial = partial

    def _put_defaults_for_null(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            # (An id that is null names no row; it is not one to be made up.)
            if value is None and name != "id" and self._is_column(name):
                column: Any = self.model._meta.get_field(name)
                values[name] = column.get_default()

    def _is_column(self, name: str) -> bool:
        return name in _columns_of(self.model)

    def _document_name(self, model_name: str) -> str:
        for name, field in self.fields.items():
            if field.source == model_name:
                return name
        return model_name

    # --- What is written ---

    def create(self, validated_data: dict[str, Any]) -> _Row:
        """Write a new row."""
        for name, value in validated_data.items():
            setattr(self.checked_row, name, value)
        self.checked_row.save(force_insert=True)
        return self.checked_row

    def update(self, instance: _Row, validated_data: dict[str, Any]) -> _Row:
        """Write the columns that were sent, and no other: a writer of another field beside this
        one loses nothing."""
        columns = [name for name in validated_data if self._is_column(name)]
        self.checked_row.save(update_fields=[*columns, "updated_at"])
        return self.checked_row
