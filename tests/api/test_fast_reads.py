"""Fast reads response as the plain path does, for every caller, filter, ordering and page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.core.cache import cache
from rest_framework.permissions import BasePermission
from rest_framework.test import APIRequestFactory, force_authenticate

from organizations.models import Prompt, User
from organizations.tenancy.models import TenantQuerySet
from tests.support import factories
from webchat_project.api.fast_reads import CompiledQuery, FastReadsMixin, Placeholder
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
#: With two rows each. For a list of five: the first, a middle one, the last, and after the end.
PAGES = (1, 2, 3, 4)


@contextmanager
def plain_reads() -> Iterator[None]:
    """Answer with DRF's own list and retrieve."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("list", "retrieve"):
            patch.delattr(FastReadsMixin, name)
        yield


def values_of(name: str, rows: list[Webchat]) -> list[str]:
    """Values of a filter. A new kind of filter needs values here."""
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


def webchats_of(user: User) -> list[Webchat]:
    """Five webchats that differ in everything that can be filtered or converted."""
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
        offset_x=7,
    )
    disabled = factories.WebchatFactory.create(user=user, is_enabled=False, prompt=full.prompt)
    return [*plain, full, disabled]


def respond(viewset: Any, user: User, action: str, query: str = "", **kwargs: str) -> Any:
    """Return the status and data of an action's response, before it is rendered."""
    request = APIRequestFactory().get(f"/?{query}")
    force_authenticate(request, user)
    view = viewset.as_view({"get": action}, detail=action == "retrieve")
    response = view(request, **kwargs)
    return response.status_code, response.data


@pytest.fixture
def assert_equal_reads(
    admin: User, other_admin: User, superuser: User
) -> Callable[..., list[tuple[int, Any]]]:
    """``assert_equal_reads("list", query)`` compares both paths for two members of different
    organizations and a superuser, and returns the responses."""

    def compare(
        action: str, query: str = "", at: datetime = NOW, **kwargs: str
    ) -> list[tuple[int, Any]]:
        found = []
        with time_machine.travel(at, tick=False):
            for user in (admin, other_admin, superuser):
                fast = respond(WebchatViewSet, user, action, query, **kwargs)
                with plain_reads():
                    assert fast == respond(WebchatViewSet, user, action, query, **kwargs)
                found.append(fast)
        return found

    return compare


@pytest.mark.parametrize("name", FILTERS)
def test_lists_are_equal_for_each_value_of_a_filter_and_each_page(
    name: str, assert_equal_reads: Any, admin: User, other_admin: User
) -> None:
    rows = [row for user in (admin, other_admin) for row in webchats_of(user)]
    for value in values_of(name, rows):
        for page in PAGES:
            assert_equal_reads("list", urlencode({name: value, "limit": 2, "page": page}))
        # The compiled query is the same, so a condition on the current time would be outdated.
        assert_equal_reads("list", urlencode({name: value, "limit": 2, "page": 1}), at=LATER)


def test_lists_are_equal_without_a_query(
    assert_equal_reads: Any, admin: User, other_admin: User
) -> None:
    for user in (admin, other_admin):
        webchats_of(user)
    totals = [data["pagination"]["total"] for _, data in assert_equal_reads("list")]
    assert totals == [5, 5, 10]


def test_documents_are_equal_for_each_caller(
    assert_equal_reads: Any, admin: User, other_admin: User
) -> None:
    for row in [row for user in (admin, other_admin) for row in webchats_of(user)]:
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


def test_a_list_includes_what_was_written_since_the_last_request(api: Any, admin: User) -> None:
    client = api(admin)
    assert client.get("/api/webchats").json()["pagination"]["total"] == 0
    factories.WebchatFactory.create_batch(21, user=admin)
    response = client.get("/api/webchats").json()
    assert response["pagination"] == {"page": 1, "limit": 20, "total": 21, "totalPages": 2}
    Webchat.objects.all().delete()
    assert client.get("/api/webchats").json()["data"] == []


def test_a_query_string_that_is_too_long_to_cache_filters_all_the_same(
    api: Any, admin: User
) -> None:
    factories.WebchatFactory.create(user=admin, name="Shop")
    factories.WebchatFactory.create(user=admin, name="Blog")
    query = {"search": "shop", "unknown": "x" * 1_000}
    response = api(admin).get("/api/webchats", query).json()
    assert [document["name"] for document in response["data"]] == ["Shop"]


# --- Viewsets of their own ---


def test_two_viewsets_of_one_model_keep_their_querysets(admin: User) -> None:
    class EnabledViewSet(WebchatViewSet):
        queryset = Webchat.objects.filter(is_enabled=True)

    class DisabledViewSet(WebchatViewSet):
        queryset = Webchat.objects.filter(is_enabled=False)

    enabled = factories.WebchatFactory.create(user=admin)
    disabled = factories.WebchatFactory.create(user=admin, is_enabled=False)
    for viewset, row in ((EnabledViewSet, enabled), (DisabledViewSet, disabled)):
        assert [document["_id"] for document in respond(viewset, admin, "list")[1]["data"]] == [
            row.pk
        ]


def _of_the_caller(view: Any) -> Any:
    return view.request.user.email


def _of_the_path(view: Any) -> Any:
    return view.kwargs["organization_id"]


def _of_a_header(view: Any) -> Any:
    return getattr(view.request, "headers", {}).get("X-Only")


@pytest.mark.parametrize("depend", [_of_the_caller, _of_the_path, _of_a_header])
def test_a_query_cannot_depend_on_more_than_its_cache_key(
    admin: User, depend: Callable[[Any], Any]
) -> None:
    class DependentViewSet(WebchatViewSet):
        def get_queryset(self) -> TenantQuerySet[Webchat]:
            return super().get_queryset().exclude(name=depend(self))

    with pytest.raises((RuntimeError, KeyError)):
        respond(DependentViewSet, admin, "list")


def test_a_long_list_is_counted_once_a_minute(admin: User) -> None:
    class ShortListViewSet(WebchatViewSet):
        exact_total_up_to = 3

    def total(limit: int) -> int:
        _, data = respond(ShortListViewSet, admin, "list", f"limit={limit}")
        found: int = data["pagination"]["total"]
        return found

    factories.WebchatFactory.create_batch(3, user=admin)
    assert total(2) == 3
    factories.WebchatFactory.create_batch(2, user=admin)
    assert total(2) == 5
    factories.WebchatFactory.create(user=admin)
    assert total(2) == 5, "as counted less than a minute ago"
    assert total(10) == 6, "the last page shows it"
    cache.clear()
    assert total(2) == 6


def test_the_total_of_a_long_list_is_cached_per_organization(
    admin: User, other_admin: User
) -> None:
    class ShortListViewSet(WebchatViewSet):
        exact_total_up_to = 3

    factories.WebchatFactory.create_batch(5, user=admin)
    factories.WebchatFactory.create_batch(4, user=other_admin)
    totals = [
        respond(ShortListViewSet, user, "list", "limit=1")[1]["pagination"]["total"]
        for user in (admin, other_admin)
    ]
    assert totals == [5, 4]


# --- Compiled queries ---


def test_an_empty_queryset_runs_no_query(django_assert_num_queries: Any) -> None:
    nothing = Prompt.objects.none()
    with django_assert_num_queries(0):
        assert CompiledQuery(nothing.values_list("pk")).rows() == []
        assert CompiledQuery.count(nothing).number() == 0


def test_a_placeholder_takes_another_value_each_time() -> None:
    prompts = factories.PromptFactory.create_batch(2)
    query = CompiledQuery(Prompt.objects.filter(pk=Placeholder("pk")).values_list("name"))
    assert [query.rows(pk=prompt.pk) for prompt in prompts] == [
        [(prompt.name,)] for prompt in prompts
    ]


def test_compiled_queries_with_equal_parameters_have_one_digest() -> None:
    """It is a cache key that processes share."""

    def digest(pk: str) -> str:
        query = CompiledQuery(Prompt.objects.filter(pk=Placeholder("pk")).values_list("name"))
        return query.digest(pk=pk)

    assert digest("a") == digest("a") != digest("b")
