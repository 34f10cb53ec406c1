"""Assertions about errors of the API."""

from typing import Any


def assert_error(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check the shape of an error, and return its body."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"].startswith("application/json")
    body: dict[str, Any] = response.json()
    assert body.keys() <= {"error", "code", "details"}
    assert body["code"] == code
    assert body["error"]
    assert ("details" in body) == (code == "validation_error")
    return body
