"""A push service on the loopback interface, and the devices that it serves.

It decrypts messages as a device does, and checks the token of the sender (VAPID).
"""

import base64
import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def encode(data: bytes) -> str:
    """Return URL-safe Base64 without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes of URL-safe Base64 without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Device:
    """A browser with a key pair and a secret of its own."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._secret = os.urandom(16)

    @property
    def keys(self) -> dict[str, str]:
        """The keys of the subscription, as ``PushSubscription.toJSON()`` returns them."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": encode(point), "auth": encode(self._secret)}

    def decrypt(self, body: bytes) -> dict[str, Any]:
        """Return the message in an encrypted body (RFC 8291)."""
        text: bytes = http_ece.decrypt(body, private_key=self._key, auth_secret=self._secret)
        message: dict[str, Any] = json.loads(text)
        return message


@dataclass
class Received:
    """A request that the push service has got."""

    path: str
    headers: Message
    message: dict[str, Any]
    #: Of the sender's token, whose signature is valid.
    claims: dict[str, Any]
    #: The key with which it is signed.
    key: str


@dataclass
class PushService:
    """The push service. ``responses`` are the next ones, as status and headers; then 201."""

    origin: str = ""
    devices: dict[str, Device] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    responses: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def add_device(self, name: str) -> Device:
        """Return a new device, whose endpoint contains ``name``."""
        path = f"/send/{name}"
        self.devices[path] = Device(self.origin + path)
        return self.devices[path]

    def receive(self, path: str, headers: Message, body: bytes) -> tuple[int, dict[str, str]]:
        """Record a request, and return its response. Raise an exception for an invalid token."""
        scheme, _, parameters = headers["authorization"].partition(" ")
        assert scheme == "vapid"
        token, key = (each.partition("=")[2] for each in parameters.split(","))
        public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(key))
        claims = jwt.decode(token, public_key, algorithms=["ES256"], audience=self.origin)
        message = self.devices[path].decrypt(body)
        self.received.append(Received(path, headers, message, claims, key))
        return self.responses.pop(0) if self.responses else (201, {})


@contextmanager
def running_push_service(context: ssl.SSLContext) -> Iterator[PushService]:
    """Run a push service at ``localhost`` with the certificate of ``context``."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers = service.receive(self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        service.origin = f"https://localhost:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
