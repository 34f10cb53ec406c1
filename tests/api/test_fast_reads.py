"""Fast reads return what plain reads return, for every caller, filter, ordering and page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from rest_framework.permissions import BasePermission

from organizations.models import User
from tests.api.responses import respond
from tests.support import factories
from webchat_project.api.fast_reads import FastReadsMixin
from webchat_project.api.filters import (
    DocumentOrderingFilter,
    IdFilter,
    SearchFilter,
    StrictBooleanFilter,
)
from webchats.filters import WebchatFilter
from webchats.models import Webchat
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=40)
FILTERS: dict[str, Any] = WebchatFilter.base_filters
#: Pages of two rows. Of five rows: the first, a middle and the last page, and one after it.
PAGES = (1, 2, 3, 4)


@contextmanager
def plain_reads() -> Iterator[None]:
    """Use ``list`` and ``retrieve`` of DRF during the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("list", "retrieve"):
            patch.delattr(FastReadsMixin, name)
        yield


def get_filter_values(name: str, rows: list[Webchat]) -> list[str]:
    """Return the values to test for a filter. Add values here for a new kind of filter."""
    match FILTERS[name]:
        case StrictBooleanFilter():
            return ["true", "false"]
        case IdFilter():
            ids = {getattr(row, FILTERS[name].field_name) for row in (rows[3], rows[-2])}
            return ["", "0" * 24, *ids]
        case SearchFilter():
            return ["", "shop", "Shop 1", "100% (new)", "no such text"]
        case DocumentOrderingFilter():
            return ["name,-createdAt", ",", *(value for value, _ in FILTERS[name].extra["choices"])]
    raise AssertionError(f"No values for the filter {name}.")


def create_webchats(user: User) -> list[Webchat]:
    """Create five webchats that differ in every field that is filtered or converted."""
    stage = factories.StageFactory.create(pipeline__organization=user.organization)
    icon = f"orgs/{user.organization_id}/webchat/icon.png"
    plain = [
        factories.WebchatFactory.create(
            user=user, name=f"Shop {number % 2}", description="" if number else "100% (new)"
        )
        for number in range(3)
    ]
    full = factories.WebchatFactory.create(
        user=user,
        name="\u2028 \U0001f600",
        allowed_domains=["example.com", "*.example.com"],
        icon=icon,
        pipeline=stage.pipeline,
        pipeline_stage=stage,
        entry_stage=stage,
        is_autopilot=True,
        is_auto_assigned=True,
        is_survey_enabled=False,
        offset_x=7,
    )
    disabled = factories.WebchatFactory.create(user=user, is_enabled=False, prompt=full.prompt)
    return [*plain, full, disabled]


@pytest.fixture
def assert_equal_reads(
    admin: User, other_admin: User, superuser: User
) -> Callable[..., list[tuple[int, Any]]]:
    """``assert_equal_reads("list", query)`` compares both paths for two members of different
    organizations and a superuser, and returns the responses."""

    def compare(
        action: str, query: str = "", at: datetime = NOW, **kwargs: str
    ) -> list[tuple[int, Any]]:
        responses = []
        with time_machine.travel(at, tick=False):
            for user in (admin, other_admin, superuser):
                fast = respond(WebchatViewSet, user, action, query, **kwargs)
                with plain_reads():
                    assert fast == respond(WebchatViewSet, user, action, query, **kwargs)
                responses.append(fast)
        return responses

    return compare


@pytest.mark.parametrize("name", FILTERS)
def test_lists_are_equal_for_each_value_of_a_filter_and_each_page(
    name: str, assert_equal_reads: Any, admin: User, other_admin: User
) -> None:
    rows = [row for user in (admin, other_admin) for row in create_webchats(user)]
    for value in get_filter_values(name, rows):
        for page in PAGES:
            assert_equal_reads("list", urlencode({name: value, "limit": 2, "page": page}))
        # A condition on the current time would be outdated in the cached query.
        assert_equal_reads("list", urlencode({name: value, "limit": 2, "page": 1}), at=LATER)


def test_lists_are_equal_without_a_query_string(
    assert_equal_reads: Any, admin: User, other_admin: User
) -> None:
    for user in (admin, other_admin):
        create_webchats(user)
    totals = [data["pagination"]["total"] for _, data in assert_equal_reads("list")]
    assert totals == [5, 5, 10]


def test_documents_are_equal_for_each_caller(
    assert_equal_reads: Any, admin: User, other_admin: User
) -> None:
    for row in [row for user in (admin, other_admin) for row in create_webchats(user)]:
        statuses = [status for status, _ in assert_equal_reads("retrieve", pk=row.pk)]
        assert sorted(statuses) == [200, 200, 404]


def test_documents_have_their_fields_in_the_order_of_the_serializer(api: Any, admin: User) -> None:
    row = factories.WebchatFactory.create(user=admin)
    assert list(api(admin).get(f"/api/webchats/{row.pk}").json()["data"]) == list(
        WebchatViewSet.serializer_class.Meta.fields
    )


def test_permissions_do_not_depend_on_the_row() -> None:
    """Fast reads do not check object permissions."""
    permissions: Any = WebchatViewSet.permission_classes
    for permission in permissions:
        assert permission.has_object_permission is BasePermission.has_object_permission


def test_a_list_includes_rows_written_since_the_last_request(api: Any, admin: User) -> None:
    client = api(admin)
    assert client.get("/api/webchats").json()["pagination"]["total"] == 0
    factories.WebchatFactory.create_batch(21, user=admin)
    response = client.get("/api/webchats").json()
    assert response["pagination"] == {"page": 1, "limit": 20, "total": 21, "totalPages": 2}
    Webchat.objects.all().delete()
    assert client.get("/api/webchats").json()["data"] == []


def test_a_query_string_too_long_to_cache_is_applied(api: Any, admin: User) -> None:
    factories.WebchatFactory.create(user=admin, name="Shop")
    factories.WebchatFactory.create(user=admin, name="Blog")
    query = {"search": "shop", "unknown": "x" * 1_000}
    response = api(admin).get("/api/webchats", query).json()
    assert [document["name"] for document in response["data"]] == ["Shop"]
