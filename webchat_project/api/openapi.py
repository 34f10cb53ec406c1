"""The OpenAPI document: envelopes, errors and nullability as the API really has them."""

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.fields import Field

from webchat_project.api.viewsets import DocumentViewSet

#: What an error is called, and when it comes.
_ERRORS = {
    "400": "A value is wrong (`details` names each), or the body is not valid JSON.",
    "401": "There is no credential, or it is invalid or has expired.",
    "403": "The caller's role does not allow it.",
    "404": "There is no such row, or it belongs to another organization.",
    "406": "The client accepts no JSON.",
    "409": "The row is in use, or was changed by somebody else at the same time.",
    "413": "The body is larger than the service accepts.",
    "415": "The body is not of a media type that this call reads.",
    "429": "Too many requests; `Retry-After` says in how many seconds to come again.",
    "503": "Something the service depends on does not answer.",
}

_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "description": "One sentence for people."},
        "code": {"type": "string", "description": "One word for machines."},
        "details": {
            "type": "array",
            "description": "For validation: everything that is wrong.",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Dotted, as in the document."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

_ERROR_EXAMPLES: dict[str, dict[str, Any]] = {
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

    # The project has one authentication class, in an app above this package.
    target_class = "rest_framework.authentication.BaseAuthentication"
    match_subclasses = True
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """RFC 6750."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from `/api/auth/login`, or an API key.",
        }


class DocumentSchema(AutoSchema):
    """Describes a view's answers as ``DocumentViewSet`` and ``errors`` shape them."""

    def get_request_serializer(self) -> Any:
        """``PUT`` takes what ``PATCH`` takes: every field is optional."""
        serializer = super().get_request_serializer()
        if self.method == "PUT" and serializer is not None:
            serializer.partial = True
        return serializer

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
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
        media_types: Any = None,
        direction: str = "response",
    ) -> Any:
        described: Any = super()
        body = described._get_response_for_code(serializer, status_code, media_types, direction)
        if not self._has_envelope() or self._is_list_view(serializer):
            return body
        schemas: list[Any] = [content["schema"] for content in body.get("content", {}).values()]
        if not all("$ref" in schema for schema in schemas):
            return body  # a file: only documents have an envelope
        for content in body.get("content", {}).values():
            content["schema"] = self._envelope(content["schema"])
        if status_code == "201":
            body["headers"] = {
                "Location": {"description": "The new row's path.", "schema": {"type": "string"}}
            }
        return body

    def _has_envelope(self) -> bool:
        return isinstance(self.view, DocumentViewSet)

    def _envelope(self, schema: Any) -> dict[str, Any]:
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
        signs_in = not getattr(self.view, "authentication_classes", True)
        applies = {
            "400": has_body or (has_rows and not has_id and self.method == "GET"),
            "401": not signs_in or has_body,
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

    def _error_body(self, status: str) -> dict[str, Any]:
        component = ResolvedComponent(
            name="Error",
            type=ResolvedComponent.SCHEMA,
            schema=_ERROR_SCHEMA,
            object="Error",
        )
        self.registry.register_on_missing(component)
        body = _json_body(_ERRORS[status], component.ref)
        body["content"]["application/json"]["example"] = _ERROR_EXAMPLES[status]
        if status == "429":
            seconds = {"description": "Seconds.", "schema": {"type": "integer"}}
            body["headers"] = {"Retry-After": seconds}
        return body

    def _map_serializer_field(
        self, field: Field[Any, Any, Any, Any], direction: str, bypass_extensions: bool = False
    ) -> Any:
        described: Any = super()
        schema = dict(described._map_serializer_field(field, direction, bypass_extensions))
        schema.pop("title", None)  # the name with other spacing
        if (column := _column_of(field)) is None:
            return schema
        if direction == "response" and not column.null and column.default != "":
            # ``null`` is a way to ask for the default; it is never what is stored.
            schema.pop("nullable", None)
        if direction == "request" and column.has_default() and not callable(column.default):
            schema["default"] = column.default
        for rule in column.validators:
            if isinstance(rule, RegexValidator) and "pattern" not in schema:
                # ECMA 262, the dialect of JSON Schema, has no \\A and \\Z.
                pattern = str(getattr(rule.regex, "pattern", rule.regex))
                schema["pattern"] = pattern.replace(r"\A", "^").replace(r"\Z", "$")
        return schema


def _column_of(field: Field[Any, Any, Any, Any]) -> Any:
    """The model's field behind a serializer's, ``None`` where there is none."""
    model = getattr(field.parent, "model", None)
    if model is None:
        return None
    return {column.name: column for column in model._meta.fields}.get(str(field.source))


def _message() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}},
    }


def _json_body(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
