"""The OpenAPI document: what drf-spectacular cannot infer about envelopes, errors and null."""

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction
from rest_framework.fields import Field

from webchat_project.api.exceptions import ErrorBody
from webchat_project.api.serializers import DocumentSerializer
from webchat_project.api.viewsets import DocumentViewSet

#: A part of the OpenAPI document, such as a schema or a response.
Schema = dict[str, Any]
_Field = Field[Any, Any, Any, Any]

_DESCRIPTIONS = {
    "400": "A value is invalid (`details` lists all of them), or the body is not valid JSON.",
    "401": "The credential is missing, invalid or expired.",
    "403": "The caller's role does not allow it.",
    "404": "The row does not exist, or belongs to another organization.",
    "406": "The client does not accept JSON.",
    "409": "The row is in use, or another request changed it at the same time.",
    "413": "The body is too large.",
    "415": "The media type of the body is not supported.",
    "429": "Too many requests. `Retry-After` is the number of seconds to wait.",
    "503": "The database or another dependency is unavailable.",
}

_ERROR_SCHEMA: Schema = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "description": "A message for people."},
        "code": {"type": "string", "description": "A stable code for programs."},
        "details": {
            "type": "array",
            "description": "All validation errors.",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "description": "A dotted path in the document."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

_EXAMPLES: dict[str, ErrorBody] = {
    "400": {
        "error": "Invalid value for: allowedDomains.1.",
        "code": "validation_error",
        "details": [
            {
                "field": "allowedDomains.1",
                "code": "path",
                "message": "The entry has a path. Write the host or the origin only.",
            }
        ],
    },
    "401": {"error": "Invalid or expired token", "code": "invalid_token"},
    "403": {
        "error": "You do not have permission to perform this action.",
        "code": "permission_denied",
    },
    "404": {"error": "Not found.", "code": "not_found"},
    "406": {
        "error": "Could not satisfy the request Accept header.",
        "code": "not_acceptable",
    },
    "409": {
        "error": "It is in use by 3 webchats and cannot be deleted.",
        "code": "in_use",
    },
    "413": {"error": "The body is larger than 1,048,576 bytes.", "code": "payload_too_large"},
    "415": {
        "error": 'Unsupported media type "text/plain" in request.',
        "code": "unsupported_media_type",
    },
    "429": {
        "error": "Request was throttled. Expected available in 12 seconds.",
        "code": "rate_limited",
    },
    "503": {"error": "The service is busy. Try again in a moment.", "code": "unavailable"},
}


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
    """Describes responses with the envelopes of ``DocumentViewSet`` and the errors of the API."""

    def get_request_serializer(self) -> Any:
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
        serializer: Any,
        status_code: str,
        media_types: list[str] | None = None,
        direction: Direction = "response",
    ) -> Schema:
        untyped: Any = super()
        body: Schema = untyped._get_response_for_code(
            serializer, status_code, media_types, direction
        )
        if not isinstance(self.view, DocumentViewSet) or self._is_list_view(serializer):
            return body
        schemas = [content["schema"] for content in body.get("content", {}).values()]
        if not all("$ref" in schema for schema in schemas):
            return body  # Files have no envelope.
        for content in body.get("content", {}).values():
            content["schema"] = self._envelope(content["schema"])
        if status_code == "201":
            body["headers"] = {
                "Location": {"description": "The path of the row.", "schema": {"type": "string"}}
            }
        return body

    def _envelope(self, schema: Schema) -> Schema:
        if self.method == "GET":
            return {"type": "object", "required": ["data"], "properties": {"data": schema}}
        envelope = _message()
        envelope["required"].append("data")
        envelope["properties"]["data"] = schema
        return envelope

    def _error_statuses(self) -> list[str]:
        has_body = self.method in ("POST", "PUT", "PATCH")
        has_rows = getattr(self.view, "queryset", None) is not None
        has_id = "{" in self.path
        is_public = not getattr(self.view, "authentication_classes", True)
        applies = {
            "400": has_body or (has_rows and not has_id and self.method == "GET"),
            "401": not is_public or has_body,
            "403": has_rows and self.method != "GET",
            "404": has_id,
            "406": True,
            "409": has_rows and self.method != "GET",
            "413": has_body,
            "415": has_body,
            "429": True,
            "503": True,
        }
        return [status for status, applied in applies.items() if applied]

    def _error_body(self, status: str) -> Schema:
        component = ResolvedComponent(
            name="Error",
            type=ResolvedComponent.SCHEMA,
            schema=_ERROR_SCHEMA,
            object="Error",
        )
        self.registry.register_on_missing(component)
        body = _json_body(_DESCRIPTIONS[status], component.ref)
        body["content"]["application/json"]["example"] = _EXAMPLES[status]
        if status == "429":
            seconds = {"description": "Seconds.", "schema": {"type": "integer"}}
            body["headers"] = {"Retry-After": seconds}
        return body

    def _map_serializer_field(
        self, field: _Field, direction: str, bypass_extensions: bool = False
    ) -> Schema:
        untyped: Any = super()
        schema: Schema = {**untyped._map_serializer_field(field, direction, bypass_extensions)}
        schema.pop("title", None)  # It repeats the name.
        if (column := _get_model_field(field)) is None:
            return schema
        if direction == "response" and not column.null and column.default != "":
            # ``null`` requests the default and is never stored.
            schema.pop("nullable", None)
        if direction == "request" and column.has_default() and not callable(column.default):
            schema["default"] = column.default
        for validator in column.validators:
            if isinstance(validator, RegexValidator) and "pattern" not in schema:
                # Patterns of JSON Schema are those of ECMA 262, which has no ``\A`` and ``\Z``.
                pattern = str(getattr(validator.regex, "pattern", validator.regex))
                schema["pattern"] = pattern.replace(r"\A", "^").replace(r"\Z", "$")
        return schema


def _get_model_field(field: _Field) -> models.Field[Any, Any] | None:
    """Return the model field of a serializer field, if it has one."""
    if not isinstance(field.parent, DocumentSerializer):
        return None
    columns = {column.name: column for column in field.parent.model._meta.fields}
    return columns.get(str(field.source))


def _message() -> Schema:
    return {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}},
    }


def _json_body(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
