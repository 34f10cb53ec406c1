"""Compiled queries: their cache keys, totals and placeholders."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from organizations.models import Prompt, User
from organizations.tenancy.models import TenantQuerySet
from tests.api.responses import respond
from tests.support import factories
from webchat_project.api.compiled_queries import (
    CompiledGet,
    CompiledGetAny,
    CompiledQuery,
    Placeholder,
)
from webchats.models import Webchat
from webchats.views import WebchatViewSet

pytestmark = pytest.mark.django_db


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


def _user_email(view: Any) -> Any:
    return view.request.user.email


def _path_argument(view: Any) -> Any:
    return view.kwargs["organization_id"]


def _header(view: Any) -> Any:
    return getattr(view.request, "headers", {}).get("X-Only")


@pytest.mark.parametrize("excluded_value", [_user_email, _path_argument, _header])
def test_a_query_cannot_depend_on_more_than_its_cache_key(
    admin: User, excluded_value: Callable[[Any], Any]
) -> None:
    class DependentViewSet(WebchatViewSet):
        def get_queryset(self) -> TenantQuerySet[Webchat]:
            return super().get_queryset().exclude(name=excluded_value(self))

    with pytest.raises((RuntimeError, KeyError)):
        respond(DependentViewSet, admin, "list")


def test_a_long_list_is_counted_once_a_minute(admin: User) -> None:
    class ShortListViewSet(WebchatViewSet):
        exact_total_up_to = 3

    def total(limit: int) -> int:
        _, data = respond(ShortListViewSet, admin, "list", f"limit={limit}")
        count: int = data["pagination"]["total"]
        return count

    factories.WebchatFactory.create_batch(3, user=admin)
    assert total(2) == 3
    factories.WebchatFactory.create_batch(2, user=admin)
    assert total(2) == 5
    factories.WebchatFactory.create(user=admin)
    assert total(2) == 5, "the total is cached for a minute"
    assert total(10) == 6, "the total is known on the last page"
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


def test_an_empty_queryset_runs_no_query(django_assert_num_queries: Any) -> None:
    nothing = Prompt.objects.none()
    with django_assert_num_queries(0):
        assert CompiledQuery(nothing.values_list("pk")).rows() == []
        assert CompiledQuery.count(nothing).number() == 0


def test_a_placeholder_takes_a_value_at_each_run() -> None:
    prompts = factories.PromptFactory.create_batch(2)
    query = CompiledQuery(Prompt.objects.filter(pk=Placeholder("pk")).values_list("name"))
    assert [query.rows(pk=prompt.pk) for prompt in prompts] == [
        [(prompt.name,)] for prompt in prompts
    ]


def test_digest_depends_on_the_parameters() -> None:
    """Processes share it as a cache key."""

    def digest(pk: str) -> str:
        query = CompiledQuery(Prompt.objects.filter(pk=Placeholder("pk")).values_list("name"))
        return query.digest(pk=pk)

    assert digest("a") == digest("a") != digest("b")


def test_all_returns_the_first_rows_of_the_queryset() -> None:
    organization = factories.OrganizationFactory.create()
    factories.PromptFactory.create_batch(3, organization=organization)
    factories.PromptFactory.create()
    rows = Prompt.objects.filter(organization=Placeholder("organization")).order_by("-pk")
    expected = Prompt.objects.filter(organization=organization).order_by("-pk")
    assert CompiledGet(rows, limit=2).all(organization=organization.pk) == list(expected[:2])
    assert CompiledGet(rows)(organization=organization.pk) == expected[0]
    assert CompiledGet(rows).all(organization="none") == []


@pytest.mark.parametrize("count", [0, 1, 3, 9])
def test_any_returns_the_rows_of_all_items_in_the_order_of_the_queryset(count: int) -> None:
    prompts = factories.PromptFactory.create_batch(10)
    query = CompiledGetAny(Prompt.objects.order_by("name", "pk"), "organization", "pk")
    items = [(prompt.organization_id, prompt.pk) for prompt in prompts]
    expected = Prompt.objects.filter(pk__in=[pk for _, pk in items[:count]]).order_by("name", "pk")
    assert query.all(items[:count]) == list(expected)
    assert query.all([(prompts[0].organization_id, prompts[1].pk)]) == []
