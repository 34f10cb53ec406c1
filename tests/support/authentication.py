"""Requests to the authentication endpoints of the API, and forged tokens."""

import base64
import hmac
import json
from typing import Any

from rest_framework.test import APIClient

PASSWORD = "correct horse battery"


def request_login(email: str = "member@example.com", password: str = PASSWORD) -> Any:
    """Return the response to a login."""
    return APIClient().post("/api/auth/login", {"email": email, "password": password})


def request_refresh(token: str) -> Any:
    """Return the response to the exchange of a refresh token."""
    return APIClient().post("/api/auth/refresh", {"refreshToken": token})


def request_status(credential: str) -> int:
    """Return the status code for an access token or API key: 200 if it is valid, else 401."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {credential}")
    status: int = client.get("/api/auth/verify-token").status_code
    return status


def encode_part(content: bytes) -> str:
    """Return a part of a JWT."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def sign(header: dict[str, Any], claims: dict[str, Any], key: str) -> str:
    """Return a token with any header and claims, signed with HS256 and ``key``."""
    text = f"{encode_part(json.dumps(header).encode())}.{encode_part(json.dumps(claims).encode())}"
    return f"{text}.{encode_part(hmac.digest(key.encode(), text.encode(), 'sha256'))}"
