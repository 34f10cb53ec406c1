"""A serializer of request bodies that are not the document of a row."""

from collections.abc import Mapping

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from webchat_project.api.names import explain_missing


class RequestSerializer(serializers.Serializer[None]):
    """A request body that is not the document of a row."""

    default_error_messages = {"invalid": "Must be a JSON object."}

    def to_internal_value(self, data: object) -> dict[str, object]:
        """Return the valid values; name the fields that were sent instead of a missing one."""
        try:
            values: dict[str, object] = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(data, Mapping) or not isinstance(error.detail, dict):
                raise
            unknown = [name for name in data if name not in self.fields]
            details = error.detail.items()
            raise ValidationError(
                {name: explain_missing(detail, name, unknown) for name, detail in details}
            ) from None
        return values
