"""Requests to the API of webchats, and their errors."""

import json
from typing import Any

from rest_framework.test import APIClient

from tests.support.responses import error_codes


def post_escaped(client: APIClient, body: dict[str, Any]) -> Any:
    """Post a body as ASCII JSON. The client's own encoder fails on lone surrogates."""
    return client.post("/api/webchats", json.dumps(body), content_type="application/json")


def validation_errors(response: Any) -> dict[str, str]:
    """Return the code of each field's error in a ``validation_error`` response."""
    assert response.json()["code"] == "validation_error"
    return error_codes(response)
