"""The OpenAPI document: envelopes, errors and null, which drf-spectacular cannot infer."""

import json
from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from django.db import models
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction, OpenApiParameter

from webchat_project.api import openapi_errors, openapi_operations
from webchat_project.api.fields import SerializerField
from webchat_project.api.serializers import DocumentSerializer
from webchat_project.api.viewsets import ReadUpdateViewSet

if TYPE_CHECKING:
    from drf_spectacular.utils import _SerializerType

#: A part of the OpenAPI document, such as a schema or a response.
Schema = dict[str, Any]
_Column = models.Field[object, object]


class BearerScheme(OpenApiAuthenticationExtension):
    """The security scheme of the API: a bearer token (RFC 6750)."""

    # The authentication class is in an app above this package.
    target_class = "rest_framework.authentication.BaseAuthentication"
    match_subclasses = True
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from `/api/auth/login`, or an API key.",
        }


class DocumentSchema(AutoSchema):
    """Describes responses with the envelopes of the viewsets and the errors of the API."""

    def get_summary(self) -> str | None:
        """Return a summary such as ``List webchats``."""
        texts = openapi_operations.get_texts(self.view)
        return texts[0] if texts else super().get_summary()

    # The stubs have the signature of DRF's own schemas.
    def get_description(self) -> str:  # type: ignore[override]
        """Return the description of an action, by default the docstring of its function."""
        texts = openapi_operations.get_texts(self.view)
        return texts[1] if texts else super().get_description()

    def get_override_parameters(self) -> "list[OpenApiParameter | _SerializerType]":
        """Add ``If-Match`` to the writes of a document."""
        parameters = list(super().get_override_parameters())
        if openapi_operations.writes_row(self.view, self.method):
            parameters.append(openapi_operations.IF_MATCH)
        return parameters

    def get_request_serializer(self) -> "_SerializerType | None":
        """Return the serializer. Every field of PUT is optional, as with PATCH."""
        serializer = super().get_request_serializer()
        if self.method == "PUT" and serializer is not None:
            serializer.partial = True
        return serializer

    def _get_response_bodies(self, direction: Direction = "response") -> Schema:
        bodies = super()._get_response_bodies(direction)
        if self.method == "DELETE" and "204" in bodies:
            del bodies["204"]
            bodies["200"] = _json_body("Deleted.", _message())
        for status in self._error_statuses():
            bodies.setdefault(status, self._error_body(status))
        return bodies

    def _get_response_for_code(
        self,
        serializer: "_SerializerType | None",
        status_code: str,
        media_types: list[str] | None = None,
        direction: Direction = "response",
    ) -> Schema:
        untyped: Any = super()
        body: Schema = untyped._get_response_for_code(
            serializer, status_code, media_types, direction
        )
        if not isinstance(self.view, ReadUpdateViewSet) or self._is_list_view(serializer):
            return body
        schemas = [content["schema"] for content in body.get("content", {}).values()]
        if not all("$ref" in schema for schema in schemas):
            return body  # Files have no envelope.
        for content in body.get("content", {}).values():
            content["schema"] = self._envelope(content["schema"])
        if openapi_operations.returns_row(self.view, serializer):
            body["headers"] = {"ETag": openapi_operations.ETAG_HEADER}
            if status_code == "201":
                body["headers"]["Location"] = openapi_operations.LOCATION_HEADER
        return body

    def _envelope(self, schema: Schema) -> Schema:
        if self.method == "GET":
            return {"type": "object", "required": ["data"], "properties": {"data": schema}}
        envelope = _message()
        envelope["required"].append("data")
        envelope["properties"]["data"] = schema
        if openapi_operations.takes_document(self.view):
            envelope["properties"]["ignored"] = {
                "type": "array",
                "items": {"type": "string"},
                "description": "Unknown names in the body. Absent if there are none.",
            }
        return envelope

    def _error_statuses(self) -> list[str]:
        has_body = self.method in ("POST", "PUT", "PATCH")
        has_rows = getattr(self.view, "queryset", None) is not None
        has_id = "{" in self.path
        is_public = not getattr(self.view, "authentication_classes", True)
        applies = {
            "400": has_body or (has_rows and self.method == "GET" and self._takes_parameters()),
            "401": not is_public or has_body,
            "403": has_rows and self.method != "GET",
            "404": has_id,
            "406": True,
            "409": has_rows and self.method != "GET",
            "412": openapi_operations.writes_row(self.view, self.method),
            "413": has_body,
            "415": has_body,
            "429": True,
            "503": True,
        }
        # Those of single views, such as 410.
        more: set[str] = getattr(self.view, "error_statuses", set())
        return sorted({status for status, applied in applies.items() if applied} | more)

    def _takes_parameters(self) -> bool:
        """Return whether a GET has query parameters, which can be malformed."""
        return "{" not in self.path or self._is_list_view()

    def _error_body(self, status: str) -> Schema:
        component = ResolvedComponent(
            name="Error",
            type=ResolvedComponent.SCHEMA,
            schema=openapi_errors.SCHEMA,
            object="Error",
        )
        self.registry.register_on_missing(component)
        body = _json_body(openapi_errors.DESCRIPTIONS[status], component.ref)
        body["content"]["application/json"]["example"] = openapi_errors.EXAMPLES[status]
        if status == "429":
            seconds = {"description": "Seconds.", "schema": {"type": "integer"}}
            body["headers"] = {"Retry-After": seconds}
        return body

    def _map_basic_serializer(self, serializer: object, direction: Direction) -> Schema:
        """Make every field of a response required: the service never leaves one out."""
        untyped: Any = super()
        schema: Schema = {**untyped._map_basic_serializer(serializer, direction)}
        if direction == "response" and schema.get("properties"):
            schema["required"] = sorted(schema["properties"])
            for field in schema["properties"].values():
                # Only requests have an empty text in place of a value with a format.
                if field.get("oneOf", [])[1:] == [{"type": "string", "maxLength": 0}]:
                    field.update(field.pop("oneOf")[0])
        return schema

    def _map_serializer_field(
        self, field: SerializerField, direction: str, bypass_extensions: bool = False
    ) -> Schema:
        untyped: Any = super()
        schema: Schema = {**untyped._map_serializer_field(field, direction, bypass_extensions)}
        schema.pop("title", None)  # It repeats the name.
        if not isinstance(field.parent, DocumentSerializer):
            return schema
        # Generated clients send defaults, also with an update, where they would reset the field.
        schema.pop("default", None)
        column = _get_column(field.parent.model, str(field.source))
        if direction == "response":
            return _get_response_schema(schema, field, column)
        # ``null`` means the default.
        has_default = column is not None and column.has_default() and field.allow_null
        if column is not None and has_default and not callable(column.default):
            default = f"Default: `{json.dumps(field.to_representation(column.default))}`."
            schema["description"] = " ".join(filter(None, [schema.get("description"), default]))
        return {**_get_pattern(column), **schema}


def _get_response_schema(schema: Schema, field: SerializerField, column: _Column | None) -> Schema:
    """Return the schema of stored values: ``null`` requests a default, and short forms expand."""
    is_null = (field.read_only and field.allow_null) or (
        column is not None
        and (column.null or (column.default == "" and field.to_representation("") is None))
    )
    if not is_null:
        schema.pop("nullable", None)
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value or is_null]
    return {**schema, **_get_pattern(column)}


def _get_pattern(column: _Column | None) -> Schema:
    """Return the ``pattern`` of a model field with a regular expression, else nothing."""
    if column is None:
        return {}
    for validator in column.validators:
        if isinstance(validator, RegexValidator):
            # Patterns of JSON Schema are those of ECMA 262, which has no ``\A`` and ``\Z``.
            pattern = str(getattr(validator.regex, "pattern", validator.regex))
            pattern = pattern.replace(r"\A", "^").replace(r"\Z", "$")
            # Django runs no validator for an empty value.
            return {"pattern": f"^$|{pattern}" if column.blank else pattern}
    return {}


def _get_column(model: type[models.Model], name: str) -> _Column | None:
    """Return the model field of a name, if it is a column."""
    return {column.name: column for column in model._meta.fields}.get(name)


def _message() -> Schema:
    return {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}},
    }


def _json_body(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
