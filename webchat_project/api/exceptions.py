"""Errors of the REST API: their JSON shape, and the exceptions of the project."""

import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NotRequired, TypedDict

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from webchat_project.api.throttling import CHECKED

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

_CODES = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.ParseError: "malformed",
    exceptions.Throttled: "rate_limited",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
}
#: Exceptions that DRF raises before it checks the throttles.
_BEFORE_THROTTLES = (
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
    exceptions.PermissionDenied,
)

#: ``statement_timeout`` and ``lock_timeout`` of PostgreSQL, and ``too_many_connections``.
_CANCELED, _BUSY = ("57014", "55P03"), "53300"
#: Seconds after which a client should retry a request that returned 503.
RETRY_AFTER = 5
#: The highest number of rows that an error counts. ``on_delete`` functions need read no more.
MAX_USES = 1_000


class ErrorItem(TypedDict):
    """One validation error. ``field`` is a dotted path in the document, such as ``stages.1.name``.
    An error of the document as a whole has none."""

    field: NotRequired[str]
    code: str
    message: str


class ErrorBody(TypedDict):
    """The body of an error response.

    ``error`` is a message for people. ``code`` is for programs and stays the same in all versions.
    """

    error: str
    code: str
    details: NotRequired[Sequence[ErrorItem]]


class ViewContext(TypedDict):
    """The context that DRF passes to the exception handler, as far as it is used."""

    view: "APIView"
    request: "Request"


class Conflict(exceptions.APIException):
    """409: the state of the row does not allow the request."""

    status_code = 409
    default_detail = "Another request changed this at the same time. Fetch it again and retry."
    default_code = "conflict"


class PreconditionFailed(exceptions.APIException):
    """412: the row is not in the version that ``If-Match`` names."""

    status_code = 412
    default_detail = (
        "The row has changed, or If-Match is not one of its ETags. Read it again and send its ETag."
    )
    default_code = "precondition_failed"


class Unavailable(exceptions.APIException):
    """503: a dependency of the service is unavailable."""

    status_code = 503
    default_detail = "The service is busy. Try again in a moment."
    default_code = "unavailable"


class DependencyUnavailable(Exception):
    """A dependency of the service, such as a storage, is unavailable. Views return 503.

    Subclasses set ``log_message`` for operators and ``client_message`` for clients.
    """

    log_message = "A dependency is unavailable"
    client_message = Unavailable.default_detail


def error_response(status: int, message: str, code: str) -> JsonResponse:
    """Return an error response in the JSON shape of the API, for code outside of DRF's views."""
    body: ErrorBody = {"error": message, "code": code}
    return JsonResponse(body, status=status)


def flatten(detail: object, field: str = "") -> Iterator[ErrorItem]:
    """Yield the nested errors of a ``ValidationError`` with dotted field names."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            suffix = "" if name in ("non_field_errors", "__all__") else str(name)
            yield from flatten(inner, ".".join(filter(None, [field, suffix])))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from flatten(inner, f"{field}.{index}" if nested else field)
    else:
        item: ErrorItem = {"code": getattr(detail, "code", "invalid"), "message": str(detail)}
        yield {"field": field, **item} if field else item


def _validation_body(detail: object) -> ErrorBody:
    # The serializer field and the model may report the same error.
    details = list({(item.get("field"), item["code"]): item for item in flatten(detail)}.values())
    names = sorted({item["field"] for item in details if "field" in item})
    message = f"Invalid value for: {', '.join(names)}." if names else details[0]["message"]
    return {"error": message, "code": "validation_error", "details": details}


def describe_uses(error: ProtectedError | RestrictedError) -> str:
    """Return the rows that prevent a deletion, such as ``2 webchats and 3 contacts``."""
    rows = (
        error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    )
    texts = []
    for model, count in Counter(type(row) for row in rows).items():
        options = model._meta
        noun = options.verbose_name if count == 1 else options.verbose_name_plural
        number = f"more than {MAX_USES:,}" if count > MAX_USES else str(count)
        texts.append(f"{number} {noun}")
    return " and ".join(sorted(texts))


def _in_use(error: ProtectedError | RestrictedError) -> Conflict:
    return Conflict(f"It is in use by {describe_uses(error)} and cannot be deleted.", "in_use")


def _is_race(error: IntegrityError) -> bool:
    """Return whether another request changed a row between validation and write.

    Such a write violates a foreign key or a unique constraint. Validation finds all other errors.
    """
    sqlstate = getattr(error.__cause__, "sqlstate", "")
    return sqlstate in ("23503", "23505") or any(
        kind in str(error) for kind in ("FOREIGN KEY constraint", "UNIQUE constraint")
    )


def _as_api_exception(error: Exception) -> Exception:
    """Return the API's exception for one of Django or the database, or ``error`` if it has none."""
    if isinstance(error, Http404):
        return exceptions.NotFound("Not found.")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, ProtectedError | RestrictedError):
        return _in_use(error)
    if isinstance(error, IntegrityError) and _is_race(error):
        return Conflict()
    return unavailable_or_none(error) or error


def unavailable_or_none(error: Exception) -> Unavailable | None:
    """Return the exception for an unavailable dependency, ``None`` for any other error."""
    if isinstance(error, OperationalError):
        sqlstate = getattr(error.__cause__, "sqlstate", "")
        if sqlstate in _CANCELED:
            logger.error("A statement was canceled: %s", error)
            return Unavailable("The request took too long. Narrow it down, or try again later.")
        # With the traceback: a missing table or column is such an error, too.
        trace = error if sqlstate != _BUSY else None
        logger.error("The database is unavailable: %s", error, exc_info=trace)
        return Unavailable()
    if isinstance(error, DependencyUnavailable):
        logger.error("%s: %s", error.log_message, error)
        return Unavailable(error.client_message)
    return None


def _get_message(error: exceptions.APIException, context: ViewContext) -> str:
    """Return the message: the problem, and the expected input."""
    if isinstance(error, exceptions.NotAuthenticated):
        return "Send the header Authorization: Bearer <token>."
    if isinstance(error, exceptions.UnsupportedMediaType):
        parsers = context["view"].parser_classes
        accepted = " or ".join(getattr(parser, "accepts", parser.media_type) for parser in parsers)
        sent = context["request"].content_type
        problem = f'The media type "{sent}" is not supported' if sent else "Content-Type is missing"
        return f"{problem}. Send {accepted}."
    if isinstance(error, exceptions.NotAcceptable):
        offered = ", ".join(renderer.media_type for renderer in error.available_renderers or ())
        return f"No media type of the Accept header is available. Accept {offered}."
    return str(error.detail)


def _throttled_or(error: exceptions.APIException, context: ViewContext) -> Exception:
    """Check the throttles; return ``Throttled`` if one refuses the request, else ``error``.

    For errors that DRF raises before it checks the throttles. Otherwise guessing credentials would
    not be throttled.
    """
    try:
        context["view"].check_throttles(context["request"])
    except exceptions.Throttled as throttled:
        return throttled
    return error


def exception_handler(error: Exception, context: ViewContext) -> Response | None:
    """Return the response for an exception of a view (``EXCEPTION_HANDLER``).

    Return ``None`` for any other exception. Django logs it and responds with 500, whose body
    ``ApiErrorMiddleware`` replaces by JSON.
    """
    error = _as_api_exception(error)
    if isinstance(error, _BEFORE_THROTTLES) and CHECKED not in context["request"].META:
        error = _throttled_or(error, context)
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, math.ceil(getattr(error, "wait", None) or 1)))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = str(RETRY_AFTER)
    if isinstance(error, exceptions.ValidationError):
        body = _validation_body(error.detail)
    else:
        code = _CODES.get(type(error)) or str(getattr(error.detail, "code", error.default_code))
        body = {"error": _get_message(error, context), "code": code}
        if details := getattr(error, "details", None):
            body["details"] = details
    return Response(body, status=error.status_code, headers=headers)
