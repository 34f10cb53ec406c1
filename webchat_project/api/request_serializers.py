"""A serializer of request bodies that are not the document of a row."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from webchat_project.api.names import explain_missing


class RequestSerializer(serializers.Serializer[Any]):
    """A request body that is not the document of a row."""

    default_error_messages = {"invalid": "Must be a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        """Return the valid values; name what was sent in place of a missing field."""
        try:
            return super().to_internal_value(data)
        except ValidationError as error:
            if isinstance(data, Mapping) and isinstance(error.detail, dict):
                unknown = [name for name in data if name not in self.fields]
                for name, detail in error.detail.items():
                    error.detail[name] = explain_missing(detail, name, unknown)
            raise
