"""Extra actions of a viewset are filtered, and lock the row that they write."""

from typing import Any

import pytest
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from organizations.models import User
from tests.support import factories
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db


class ExtendedViewSet(WebchatViewSet):
    """A viewset with extra actions."""

    @action(detail=False)
    def names(self, request: Request) -> Response:
        return Response([row.name for row in self.filter_queryset(self.get_queryset())])

    @action(detail=True, methods=["get", "post"])
    def is_locked(self, request: Request, pk: str) -> Response:
        return Response(self.get_queryset().query.select_for_update)


def respond(user: User, method: str, name: str, query: str = "", **kwargs: str) -> Any:
    """Return the status and data of an action's response."""
    request = APIRequestFactory().generic(method, f"/?{query}")
    force_authenticate(request, user)
    extra_action = getattr(ExtendedViewSet, name)
    view = ExtendedViewSet.as_view(
        {method.lower(): name}, detail=extra_action.detail, **extra_action.kwargs | {"name": None}
    )
    response = view(request, **kwargs)
    return response.status_code, response.data


def test_extra_list_action_is_filtered(admin: User) -> None:
    factories.WebchatFactory.create(user=admin, name="Enabled")
    factories.WebchatFactory.create(user=admin, name="Disabled", is_enabled=False)
    assert respond(admin, "GET", "names", "isEnabled=false") == (200, ["Disabled"])


def test_extra_list_action_reports_malformed_parameters(admin: User) -> None:
    status, data = respond(admin, "GET", "names", "isEnabled=maybe&page=0")
    assert status == 400
    assert {detail["field"] for detail in data["details"]} == {"isEnabled", "page"}


@pytest.mark.parametrize(("method", "is_locked"), [("GET", False), ("POST", True)])
def test_unsafe_extra_detail_action_locks_its_row(
    admin: User, method: str, is_locked: bool
) -> None:
    pk = factories.WebchatFactory.create(user=admin).pk
    assert respond(admin, method, "is_locked", pk=pk) == (200, is_locked)
