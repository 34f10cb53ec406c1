"""``DocumentSerializer``: the base class of the API's serializers.

Names are camelCase, JSON types are strict. ``null`` means the default of an optional field.
Updates write only the fields that were sent. A response lists all errors. The serializer field
validates the JSON type of a value, and the model's ``full_clean()`` everything else.
"""

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import SkipField, get_error_detail

from webchat_project.api import fields, timestamps
from webchat_project.api.fields import SerializerField
from webchat_project.api.names import Detail, explain_missing, model_field_name

if TYPE_CHECKING:
    from rest_framework.validators import Validator

_Row = TypeVar("_Row", bound=models.Model)
_Column = models.Field[object, object]
_Options = dict[str, object]
#: Errors by field name of the document.
_Errors = dict[str, Detail]
#: Values by model field.
_Values = dict[str, object]

#: The errors of a field, or of the entries of a list by their index.
FieldErrors = list[ErrorDetail] | dict[str, list[ErrorDetail]]


def to_drf_errors(error: ModelValidationError) -> FieldErrors:
    """Return the errors of one field as DRF's ``ErrorDetail``.

    Errors with the parameter ``index``, those of the entries of a list, are grouped by index.
    """
    whole: list[ErrorDetail] = []
    by_index: dict[str, list[ErrorDetail]] = {}
    for single in error.error_list:
        detail = ErrorDetail(single.messages[0], code=single.code or "invalid")
        index = (single.params or {}).get("index")
        (whole if index is None else by_index.setdefault(str(index), [])).append(detail)
    return by_index or whole


@cache
def _prototypes(serializer_class: type["DocumentSerializer[_Row]"]) -> dict[str, SerializerField]:
    return super(DocumentSerializer, serializer_class()).get_fields()


def _copy_field(field: SerializerField) -> SerializerField:
    """Return a copy of a field. ``copy.deepcopy`` would run its constructor again."""
    if isinstance(field, serializers.BaseSerializer):
        return copy.deepcopy(field)
    copied = copy.copy(field)
    if isinstance(copied, serializers.ListField):
        copied.child = _copy_field(copied.child)
        vars(copied.child).update(parent=copied)
    return copied


class DocumentSerializer(serializers.ModelSerializer[_Row]):
    """The JSON document of a model. ``Meta.fields`` lists its names in order.

    After ``is_valid()``, ``validated_row`` is the row as ``save()`` writes it. If the document is
    invalid, ``valid_values`` are the values of the fields without errors, by model field.
    """

    #: The class ``Meta.model``, and the names of its fields that are columns.
    model: type[_Row]
    columns: frozenset[str]
    validated_row: _Row
    valid_values: _Values
    #: The fields that replace those of the same names for a superuser who creates a row.
    superuser_fields: ClassVar[Mapping[str, SerializerField]] = {}
    #: The unknown names in the body, such as ``stages.0.colour``.
    ignored: list[str]

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
        models.DateTimeField: timestamps.TimestampField,
    }

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "Meta"):
            cls.model = cls.Meta.model
            cls.columns = frozenset(field.name for field in cls.model._meta.fields)

    # --- Fields ---

    def get_fields(self) -> dict[str, SerializerField]:
        """Return copies of fields that are built once per class.

        DRF builds them for each instance: POST and PUT would take 1.15 times the CPU time.
        """
        prototypes = _prototypes(type(self))
        request = self.context.get("request")
        if self.instance is None and request is not None and request.user.is_superuser:
            prototypes = {**prototypes, **self.superuser_fields}
        return {name: _copy_field(field) for name, field in prototypes.items()}

    def get_extra_kwargs(self) -> dict[str, _Options]:
        """Set the model field of each name. Allow ``null`` for fields with a default."""
        kwargs: dict[str, _Options] = super().get_extra_kwargs()
        for name in self.Meta.fields:
            if name in self._declared_fields:
                continue
            options = kwargs.setdefault(name, {})
            field = self.model._meta.get_field(model_field_name(self.model, name))
            assert isinstance(field, models.Field)
            if field.name != name:
                options["source"] = field.name
            if field.has_default() and field.editable and not options.get("read_only"):
                options["allow_null"] = True
        return kwargs

    def build_standard_field(
        self, field_name: str, model_field: _Column
    ) -> tuple[type[SerializerField], _Options]:
        """Leave the validators to ``full_clean()``, which runs them for every interface."""
        field_class, options = super().build_standard_field(field_name, model_field)
        options.pop("validators", None)
        return field_class, options

    def get_uniqueness_extra_kwargs(
        self,
        field_names: Iterable[str],
        declared_fields: Mapping[str, SerializerField],
        extra_kwargs: dict[str, _Options],
    ) -> tuple[dict[str, _Options], dict[str, serializers.HiddenField]]:
        """Leave uniqueness to ``full_clean()``."""
        return extra_kwargs, {}

    def get_validators(self) -> list["Validator[object]"]:
        """Leave uniqueness to ``full_clean()``."""
        return []

    # --- Validation ---

    def to_internal_value(self, data: object) -> _Values:
        """Return the valid values by model field; raise ``ValidationError`` with all errors."""
        if not isinstance(data, Mapping):
            detail = ErrorDetail("Must be a JSON object.", "invalid")
            raise ValidationError({NON_FIELD_ERRORS: [detail]})
        values, errors = self._read_fields(data)
        self.valid_values = values
        row = self.unsaved_row(values)
        invalid = {str(self.fields[name].source) for name in errors}
        errors |= self._model_errors(row, values, invalid)
        if errors:
            raise ValidationError(errors)
        self.validated_row = row
        # The model may have changed a value, such as a short color to a long one.
        return {
            name: getattr(row, name) if name in self.columns else value
            for name, value in values.items()
        }

    def _read_fields(self, data: Mapping[str, object]) -> tuple[_Values, _Errors]:
        """Return the valid values by model field, and the errors by the document's field."""
        values: _Values = {}
        errors: _Errors = {}
        self.ignored = [name for name in data if name not in self.fields]
        for field in self._writable_fields:
            try:
                value = field.run_validation(field.get_value(data))
            except ValidationError as error:
                name = str(field.field_name)
                errors[name] = explain_missing(error.detail, name, self.ignored)
            except ModelValidationError as error:
                errors[str(field.field_name)] = get_error_detail(error)
            except SkipField:
                continue
            else:
                name = str(field.source)
                if value is None and name in self.columns and name != "id":
                    value = cast("_Column", self.model._meta.get_field(name)).get_default()
                values[name] = value
        return values, errors

    def _model_errors(
        self, row: _Row, values: Mapping[str, object], invalid: set[str]
    ) -> dict[str, FieldErrors]:
        """Return the errors of the model by the document's field, without the ``invalid`` fields.

        The attribute ``validation_dependencies`` of a model maps a field to the fields on which its
        validation depends. An error of a field is left out if one of these is invalid.
        """
        try:
            self.validate_row(row, values, invalid)
        except ModelValidationError as error:
            names = {field.source: name for name, field in self.fields.items()}
            dependencies = getattr(self.model, "validation_dependencies", {})
            return {
                names.get(name, name): to_drf_errors(ModelValidationError(errors))
                for name, errors in error.error_dict.items()
                if not invalid & {name, *dependencies.get(name, ())}
            }
        return {}

    def unsaved_row(self, values: Mapping[str, object]) -> _Row:
        """Return an unsaved row with the values. ``instance`` is not changed."""
        row = self.new_row() if self.instance is None else copy.copy(self.instance)
        for name in values.keys() & self.columns:
            setattr(row, name, values[name])
        return row

    def new_row(self) -> _Row:
        """Return a row with the values that do not come from the document, such as its owner."""
        return self.model()

    def validate_row(self, row: _Row, values: Mapping[str, object], invalid: set[str]) -> None:
        """Run ``full_clean()`` for the fields with a value and for the row as a whole.

        Fields in ``invalid`` are excluded, and so are foreign keys, which ``TenantRelatedField``
        has validated. Raises Django's ``ValidationError``.
        """
        excluded = {
            field.name
            for field in row._meta.fields
            if field.name not in values or field.is_relation or field.primary_key
        }
        row.full_clean(exclude=excluded | invalid)

    # --- Writing ---

    def create(self, validated_data: _Values) -> _Row:
        self.validated_row.save(force_insert=True)
        return self.validated_row

    def update(self, instance: _Row, validated_data: _Values) -> _Row:
        """Write only the columns that were sent, to keep parallel updates of other columns."""
        columns = validated_data.keys() & self.columns
        self.validated_row.save(update_fields=[*columns, "updated_at"])
        return self.validated_row
