"""What tests read from responses of the API."""

from typing import Any


def error_codes(response: Any) -> dict[str, str]:
    """Return the code of each field's error in a 400 response, by the field's document name."""
    assert response.status_code == 400, response.content
    return {detail["field"]: detail["code"] for detail in response.json()["details"]}
