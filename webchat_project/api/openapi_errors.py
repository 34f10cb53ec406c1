"""The errors of the OpenAPI document: their schema, descriptions and examples."""

from typing import Final

from webchat_project.api.exceptions import ErrorBody, PreconditionFailed

#: What the errors mean, by status.
DESCRIPTIONS: Final = {
    "400": "A value is invalid (`details` lists all of them), or the body is not valid JSON.",
    "401": "The credential is missing, invalid or expired.",
    "403": "The caller's role does not allow it.",
    "404": "The row does not exist, or belongs to another organization.",
    "406": "The client does not accept JSON.",
    "409": "The row is in use, or another request changed it at the same time.",
    "410": "The webchat is disabled.",
    "412": "The row is not in the version that `If-Match` names. Read it again.",
    "413": "The body is too large.",
    "415": "The media type of the body is not supported.",
    "429": "Too many requests. `Retry-After` is the number of seconds to wait.",
    "503": "The database or another dependency is unavailable.",
}

SCHEMA: Final[dict[str, object]] = {
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
                "required": ["code", "message"],
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "A dotted path. Absent for an error of the whole body.",
                    },
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

EXAMPLES: Final[dict[str, ErrorBody]] = {
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
    "410": {"error": "This chat is closed.", "code": "disabled"},
    "412": {
        "error": str(PreconditionFailed.default_detail),
        "code": PreconditionFailed.default_code,
    },
    "413": {"error": "The body is larger than 1,048,576 bytes.", "code": "payload_too_large"},
    "415": {
        "error": 'The media type "text/plain" is not supported. Send application/json.',
        "code": "unsupported_media_type",
    },
    "429": {
        "error": "Request was throttled. Expected available in 12 seconds.",
        "code": "rate_limited",
    },
    "503": {"error": "The service is busy. Try again in a moment.", "code": "unavailable"},
}
