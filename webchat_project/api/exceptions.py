"""The one shape of every error under ``/api``, whoever raised it."""

import logging
import math
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

logger = logging.getLogger(__name__)

_CODES = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.ParseError: "malformed",
    exceptions.Throttled: "rate_limited",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
}


#: What ends a request before the framework counts it.
_REFUSALS = (
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
    exceptions.PermissionDenied,
)


class Conflict(exceptions.APIException):
    """409: the row's state does not allow it."""

    status_code = 409
    default_detail = "Somebody else changed this at the same time. Read it again and retry."
    default_code = "conflict"


class Unavailable(exceptions.APIException):
    """503: something the service depends on does not answer."""

    status_code = 503
    default_detail = "The service is busy. Try again in a moment."
    default_code = "unavailable"


class DependencyUnavailable(Exception):
    """Something that the service depends on does not answer; a view that raises it answers 503.

    A subclass says what it is, in ``log_message`` to the operator and in ``client_message`` to
    the client.
    """

    log_message = "A dependency did not answer"
    client_message = Unavailable.default_detail


def error_body(message: str, code: str, details: list[dict[str, str]] | None = None) -> Any:
    """The shape itself."""
    body: dict[str, Any] = {"error": message, "code": code}
    return body if details is None else {**body, "details": details}


def error_response(status: int, message: str, code: str) -> JsonResponse:
    """An error from outside the framework's views."""
    return JsonResponse(error_body(message, code), status=status)


def flatten(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """A validation error's nested messages as one list, each with its dotted field name."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            here = "" if name in ("non_field_errors", "__all__") else str(name)
            yield from flatten(inner, ".".join(filter(None, [field, here])))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from flatten(inner, f"{field}.{index}" if nested else field)
    else:
        yield {"field": field, "code": getattr(detail, "code", "invalid"), "message": str(detail)}


def _validation_body(detail: Any) -> Any:
    # A rule that both the field and the model state is reported once.
    unique = {(item["field"], item["code"]): item for item in flatten(detail)}
    details = list(unique.values())
    names = sorted({item["field"] for item in details if item["field"]})
    sentence = f"Invalid value for: {', '.join(names)}." if names else details[0]["message"]
    return error_body(sentence, "validation_error", details)


def _in_use(error: ProtectedError | RestrictedError) -> Conflict:
    users = (
        error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    )
    row = next(iter(users))._meta
    noun = row.verbose_name if len(users) == 1 else row.verbose_name_plural
    return Conflict(f"It is in use by {len(users)} {noun} and cannot be deleted.", "in_use")


def _lost_a_race(error: IntegrityError) -> bool:
    """Whether a row that the checks had seen was changed before the write: a foreign key or a
    uniqueness rule failed. Any other rule should have been refused earlier, with its name."""
    sqlstate = getattr(error.__cause__, "sqlstate", "")
    return sqlstate in ("23503", "23505") or any(
        kind in str(error) for kind in ("FOREIGN KEY constraint", "UNIQUE constraint")
    )


def _translated(error: Exception, context: dict[str, Any]) -> Exception:
    if isinstance(error, Http404):
        return exceptions.NotFound("Not found.")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, ProtectedError | RestrictedError):
        return _in_use(error)
    if isinstance(error, IntegrityError) and _lost_a_race(error):
        return Conflict()
    if isinstance(error, OperationalError):
        logger.error("The database did not answer: %s", error)
        return Unavailable()
    if isinstance(error, DependencyUnavailable):
        logger.error("%s: %s", error.log_message, error)
        return Unavailable(error.client_message)
    if isinstance(error, _REFUSALS) and not getattr(context["request"], "was_counted", False):
        return _counted(error, context)
    return error


def _counted(error: exceptions.APIException, context: dict[str, Any]) -> exceptions.APIException:
    """A refused caller's error, or that they have been refused too often.

    The framework counts only requests that it has let in, so that guessing would cost nothing.
    """
    try:
        context["view"].check_throttles(context["request"])
    except exceptions.Throttled as throttled:
        return throttled
    return error


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST Framework's hook: an exception of a view as a response, ``None`` for one that
    is our fault (logged and answered 500 by ``ApiErrorMiddleware``)."""
    error = _translated(error, context)
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, math.ceil(getattr(error, "wait", None) or 1)))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = "5"
    if isinstance(error, exceptions.ValidationError):
        body = _validation_body(error.detail)
    else:
        code = _CODES.get(type(error)) or str(getattr(error.detail, "code", error.default_code))
        body = error_body(str(error.detail), code)
    return Response(body, status=error.status_code, headers=headers)
