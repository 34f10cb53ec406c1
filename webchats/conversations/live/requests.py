"""Requests to the ASGI application, as Django's requests, and its responses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from django.conf import settings
from django.http import HttpRequest, QueryDict
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from webchat_project.api.exceptions import exception_handler
from webchat_project.api.throttling import AnonymousRateThrottle

logger = logging.getLogger("live")

#: The types of ASGI (version 3), which differ per message.
Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[str, str]]

#: Seconds for a client to take a part of the body. A slower one is disconnected.
SEND_SECONDS: Final = 60

_UNEXPECTED: Final = "Something went wrong on our side. It has been logged."
_NO_BODY: Final[Message] = {"type": "http.response.body", "body": b"", "more_body": False}


class StreamRequest(HttpRequest):
    """A request without a body, made from the scope of ASGI."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.method = scope["method"]
        self.path = self.path_info = scope["path"]
        self._scheme: str = scope.get("scheme", "http")
        query = scope.get("query_string", b"").decode("latin-1")
        address, _ = scope.get("client") or ("", 0)
        server, port = scope.get("server") or ("", 0)
        self.META = {
            "REQUEST_METHOD": self.method,
            "QUERY_STRING": query,
            "REMOTE_ADDR": address,
            "SERVER_NAME": server,
            "SERVER_PORT": str(port),
        }
        for name, value in scope["headers"]:
            # A header with an underscore would replace the header with a hyphen.
            if b"_" not in name:
                key = f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
                text = value.decode("latin-1")
                self.META[key] = f"{self.META[key]},{text}" if key in self.META else text
        self.GET = QueryDict(query)

    def _get_scheme(self) -> str:
        return self._scheme

    @property
    def bearer_token(self) -> str:
        """The credential of the ``Authorization`` header, empty without one."""
        scheme, _, credential = self.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return credential.strip() if scheme.lower() == "bearer" else ""


class BadRequest(APIException):
    """400: such as a host that is not allowed."""

    status_code = 400
    default_detail = "The request could not be understood."
    default_code = "bad_request"


class HttpsRequired(APIException):
    """403: the token would have been sent in clear text."""

    status_code = 403
    default_detail = "Use HTTPS."
    default_code = "https_required"


def check_https(request: HttpRequest) -> None:
    """Raise ``HttpsRequired`` for plain HTTP, unless it is allowed."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise HttpsRequired


class _RefusedRequest(APIView):
    """The view of requests without a valid credential, whose number is limited per address."""

    authentication_classes = ()
    throttle_classes: list[type[BaseThrottle]] = [AnonymousRateThrottle]


def error_content(request: HttpRequest, error: Exception) -> tuple[int, Headers, bytes]:
    """Return status, headers and body for an exception. An unexpected one is logged."""
    if isinstance(error, AuthenticationFailed):
        # As a view of DRF does (RFC 6750, section 3).
        error.auth_header = 'Bearer realm="live"'  # type: ignore[attr-defined]
    response = exception_handler(
        error, {"view": _RefusedRequest(), "request": Request(request, authenticators=())}
    )
    if response is None:
        logger.error("Unhandled exception", exc_info=error)
        response = Response({"error": _UNEXPECTED, "code": "internal_error"}, status=500)
    # DRF sets the type of the content when it renders the response.
    headers = [
        (name, str(value)) for name, value in response.headers.items() if name != "Content-Type"
    ]
    return response.status_code, headers, orjson.dumps(response.data)


async def send_start(send: Send, status: int, headers: Headers) -> None:
    """Send the status and the headers."""
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def send_body(send: Send, body: bytes) -> None:
    """Send a part of the body. Raise ``TimeoutError`` if the client does not take it."""
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def send_end(send: Send) -> None:
    """End the response. Raise ``TimeoutError`` as ``send_body`` does."""
    async with asyncio.timeout(SEND_SECONDS):
        await send(_NO_BODY)
