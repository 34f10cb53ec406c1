"""Serializer fields that accept only the JSON type of the field.

DRF's fields convert other types: ``"yes"`` to true, ``"7"`` to 7, and 7 to ``"7"``. These fields
reject them, so that mistakes of a client are found.
"""

from typing import Any, TypeAlias

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webchat_project.api.object_ids import OBJECT_ID_PATTERN

#: A serializer field of any type. Its type variables are invariant, so ``object`` would match none.
SerializerField: TypeAlias = serializers.Field[Any, Any, Any, Any]


class StringField(serializers.CharField):
    """Accepts a JSON string, and rejects numbers and booleans."""

    default_error_messages = {"invalid": "Must be a string."}

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


#: The OpenAPI schema of an id.
ID_SCHEMA = {
    "type": "string",
    "pattern": f"^{OBJECT_ID_PATTERN}$",
    "example": "67d3a0b0c0d0e0f0a0b0c0d0",
}


@extend_schema_field(ID_SCHEMA)
class IdField(StringField):
    """The id of a row, as ``object_ids`` defines it."""


class BooleanField(serializers.BooleanField):
    """Accepts the JSON literals ``true`` and ``false`` only."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IntegerField(serializers.IntegerField):
    """A JSON number without a fraction. ``24.0`` is an integer, as in JSON Schema."""

    default_error_messages = {"invalid": "Must be a whole number."}

    def to_internal_value(self, data: object) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class NumberField(serializers.FloatField):
    """Accepts a JSON number that a ``float`` can represent, and rejects booleans."""

    default_error_messages = {"invalid": "Must be a number."}

    def to_internal_value(self, data: object) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            return float(data)
        except OverflowError:
            self.fail("invalid")


class ListField(serializers.ListField):
    """A list whose length is checked before its entries.

    A body can have 300,000 entries, whose errors would take seconds and hundreds of MiB.
    """

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        """Return the valid entries. Raise ``ValidationError`` as DRF does."""
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        entries: list[Any] = super().run_child_validation(data)
        return entries


class ChoiceField(serializers.ChoiceField):
    """A JSON string that is one of the choices, which the error lists."""

    default_error_messages = {"invalid_choice": "Must be one of: {names}."}

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", names=", ".join(map(str, self.choices)))
        return super().to_internal_value(data)
