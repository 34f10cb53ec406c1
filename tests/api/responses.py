"""Calls of a viewset's actions without a URL."""

from typing import Any

from rest_framework.test import APIRequestFactory, force_authenticate

from organizations.models import User


def respond(viewset: Any, user: User, action: str, query: str = "", **kwargs: str) -> Any:
    """Return the status and data of an action's response, before it is rendered."""
    request = APIRequestFactory().get(f"/?{query}")
    force_authenticate(request, user)
    view = viewset.as_view({"get": action}, detail=action == "retrieve")
    response = view(request, **kwargs)
    return response.status_code, response.data
