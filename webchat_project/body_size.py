"""Limits of the size of bodies, and of the large ones that a process handles at a time."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import BoundedSemaphore
from typing import Final
from weakref import finalize

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.auth.authentication import BearerAuthentication
from organizations.tenancy import large_responses
from organizations.tenancy.large_responses import (
    RESERVED,
    ResponsesBusy,
    reserve_large_response,
    take_reservation,
)
from webchat_project.api.exceptions import error_response, unavailable_or_none
from webchat_project.api.parsers import PARSED
from webchat_project.error_pages import too_large
from webchat_project.middleware import GetResponse, unavailable_response

#: A Content-Length of more digits is too large, whatever the limit is.
_MAX_DIGITS: Final = 18
#: Bodies above ``LARGE_BYTES`` that a process handles at a time. In memory, the values of 1 MiB of
#: JSON can take 60 MiB.
MAX_LARGE: Final = 4
LARGE_BYTES: Final = 128 * 1024
#: Bodies above ``MAX_BODY_BYTES`` that a process handles at a time. The proxy does not buffer
#: these, so slow ones could occupy every thread.
MAX_UPLOADS: Final = 4
#: What the server gets of a large response at a time. It holds two of them.
_PIECE_BYTES: Final = 64 * 1024


class BodySizeLimitMiddleware:
    """Returns 413 if the Content-Length is too large, before the body is read.

    A WSGI server reads no more than the Content-Length, so no body can be larger. Returns 503 for a
    large body while ``MAX_LARGE`` or ``MAX_UPLOADS`` other requests with such bodies run. Bodies
    above ``MAX_BODY_BYTES`` are read only from authenticated clients.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._large = BoundedSemaphore(MAX_LARGE)
        self._uploads = BoundedSemaphore(MAX_UPLOADS)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        has_files = request.content_type == "multipart/form-data"
        limit = settings.MAX_UPLOAD_BYTES if has_files else settings.MAX_BODY_BYTES
        # ``int()`` accepts digits of other scripts.
        if not (length.isascii() and length.isdigit()):
            return self.get_response(request)
        size = int(length) if len(length) <= _MAX_DIGITS else 10**_MAX_DIGITS
        respond = self.get_response if size <= limit else partial(too_large, limit=limit)
        if not LARGE_BYTES < size <= settings.MAX_UPLOAD_BYTES:
            return respond(request)
        is_buffered = size <= settings.MAX_BODY_BYTES
        try:
            is_refused = not is_buffered and not self._is_authenticated(request)
        except OperationalError as error:
            return _unavailable(request, error)
        if is_refused:
            return _unauthenticated(request) if size <= limit else respond(request)
        slots = self._large if is_buffered else self._uploads
        if not slots.acquire(blocking=False):
            response = unavailable_response(request, "Other large requests are running. Try later.")
            return read_to_end(request, response) if is_buffered else response
        try:
            return read_to_end(request, respond(request))
        finally:
            _free_values(request)
            slots.release()

    def _is_authenticated(self, request: HttpRequest) -> bool:
        """Return whether the request has a valid session, token or API key."""
        try:
            if BearerAuthentication().authenticate(Request(request)) is not None:
                return True
        except AuthenticationFailed:
            return False
        SessionMiddleware(self.get_response).process_request(request)
        return get_user(request).is_authenticated


class LargeResponse(HttpResponse):
    """A response that the server takes in pieces, as the client reads it.

    A server takes the content of other responses at once and then closes them: it would hold it for
    every client that reads slowly.
    """

    def __init__(self, response: HttpResponse, end: Callable[[], object]) -> None:
        # Also for a response that is never closed, because of an error in a middleware.
        self._end = finalize(self, end)
        super().__init__(
            response.content, status=response.status_code, reason=response.reason_phrase
        )
        self.headers = response.headers
        self.cookies = response.cookies

    def __iter__(self) -> Iterator[bytes]:
        content = self.content
        return (
            content[start : start + _PIECE_BYTES] for start in range(0, len(content), _PIECE_BYTES)
        )

    def close(self) -> None:
        """Close the response, and end its count. The server calls it after the last piece."""
        try:
            super().close()
        finally:
            self._end()


class LargeResponseMiddleware:
    """Returns 503 in place of a large response while as many as allowed are sent.

    The successful response to a write is not replaced, since the client would repeat the write. An
    admin form with errors has written nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_replaceable = (
            request.method in SAFE_METHODS
            or response.status_code >= 400
            # A form of the admin site that is shown again with its errors.
            or bool((getattr(response, "context_data", None) or {}).get("errors"))
        )
        if (
            not isinstance(response, HttpResponse)
            or len(response.content) <= large_responses.LARGE_BYTES
            or not is_replaceable
        ):
            if RESERVED in request.META:
                take_reservation(request)()
            return response
        try:
            reserve_large_response(request)
        # The limit, or the database when the user of a session is read.
        except (ResponsesBusy, OperationalError) as error:
            return _unavailable(request, error)
        else:
            return LargeResponse(response, take_reservation(request))
        finally:
            _free_documents(response)
            # Django would return the connection when the client has read the response. Tests have a
            # transaction around requests.
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()


def _unavailable(request: HttpRequest, error: ResponsesBusy | OperationalError) -> HttpResponseBase:
    """Return the 503 for an unavailable dependency."""
    unavailable = unavailable_or_none(error)
    assert unavailable is not None
    return unavailable_response(request, str(unavailable.detail))


def _unauthenticated(request: HttpRequest) -> HttpResponseBase:
    """Return a redirect to the sign-in page in the admin site, and a 401 elsewhere."""
    if request.path_info.startswith("/admin/"):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    message = "An upload of this size requires a valid token."
    response = error_response(401, message, "not_authenticated")
    response.headers["WWW-Authenticate"] = BearerAuthentication().authenticate_header(
        Request(request)
    )
    return response


def read_to_end(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the response after the rest of the body, without which the proxy returns a 502."""
    with suppress(OSError):
        while request.read(1 << 16):
            pass
    return response


def is_upload(request: HttpRequest) -> bool:
    """Return whether the body exceeds the buffer of the proxy: see ``MAX_UPLOADS``."""
    length = request.META.get("CONTENT_LENGTH") or ""
    is_number = length.isascii() and length.isdigit() and len(length) <= _MAX_DIGITS
    return is_number and int(length) > settings.MAX_BODY_BYTES


def _free_values(request: HttpRequest) -> None:
    """Free the values of a JSON body.

    DRF's requests and serializers are in reference cycles, so the values of many requests would
    stay in memory until Python's next garbage collection.
    """
    values = request.META.pop(PARSED, None)
    if isinstance(values, list | dict):
        values.clear()


def _free_documents(response: HttpResponse) -> None:
    """Free the content, and the documents of a list.

    DRF's views, responses and serializers are in reference cycles, so they would stay in memory
    until Python's next garbage collection.
    """
    response.content = b""
    if isinstance(response, Response) and isinstance(response.data, dict):
        documents = response.data.pop("data", None)
        if isinstance(documents, list):
            documents.clear()
        rows = getattr(getattr(documents, "serializer", None), "instance", None)
        if isinstance(rows, list):
            rows.clear()
