"""Serializer fields that take JSON's types as they are.

The framework's own fields also take ``"yes"`` for true, ``"7"`` for 7 and 7 for ``"7"``. A
document whose schema says ``boolean`` takes booleans, so that a client's slip is found.
"""

import re
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import DateTimeField

from webchat_project.api import object_ids


class StringField(serializers.CharField):
    """A JSON string."""

    default_error_messages = {"invalid": "Must be a string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


#: What an id looks like, in OpenAPI.
ID_SCHEMA = {
    "type": "string",
    "pattern": f"^{object_ids.PATTERN}$",
    "example": "67d3a0b0c0d0e0f0a0b0c0d0",
}


@extend_schema_field(ID_SCHEMA)
class IdField(StringField):
    """An ObjectId."""


class BooleanField(serializers.BooleanField):
    """``true`` or ``false``."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IntegerField(serializers.IntegerField):
    """A JSON number without a fraction (JSON Schema takes 24.0 for an integer as well)."""

    default_error_messages = {"invalid": "Must be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class NumberField(serializers.FloatField):
    """A JSON number."""

    default_error_messages = {"invalid": "Must be a number."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            return float(data)
        except OverflowError:
            self.fail("invalid")


class ChoiceField(serializers.ChoiceField):
    """One of the given strings."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


#: RFC 3339, section 5.6: with a time zone, and none of ISO 8601's other spellings.
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class TimestampField(DateTimeField):
    """A moment: RFC 3339 with a time zone in; UTC with milliseconds and ``Z`` out."""

    default_error_messages = {"invalid": "Must be a moment such as 2026-03-12T10:00:00.000Z."}

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            self.fail("invalid", format="")
        return super().to_internal_value(value)

    def to_representation(self, value: datetime) -> str:
        return f"{value.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
