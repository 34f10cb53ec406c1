"""The contents of API responses."""

from typing import Any


def error_codes(response: Any) -> dict[str, str]:
    """Return the error codes of a 400 response by field of the document."""
    assert response.status_code == 400, response.content
    return {detail["field"]: detail["code"] for detail in response.json()["details"]}
