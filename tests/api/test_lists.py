"""Lists: pagination, search, filters, ordering, and the number of queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from organizations.models import User
from tests.support import factories
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [document["name"] for document in response.json()["data"]]


def invalid_parameters(response: Any) -> set[str]:
    """Return the query parameters that a 400 reports."""
    assert response.status_code == 400, response.content
    return {detail["field"] for detail in response.json()["details"]}


def test_empty_list_has_no_pages(api_client: APIClient) -> None:
    assert api_client.get("/api/webchats").json() == {
        "data": [],
        "pagination": {"page": 1, "limit": 20, "total": 0, "totalPages": 0},
    }


def test_each_row_is_on_one_page_even_if_all_times_are_equal(
    api_client: APIClient, admin: User
) -> None:
    factories.WebchatFactory.create_batch(25, user=admin)
    Webchat.objects.update(created_at=timezone.now())
    pages = [api_client.get(f"/api/webchats?limit=10&page={page}").json() for page in (1, 2, 3, 4)]
    ids = [document["_id"] for page in pages for document in page["data"]]
    assert [len(page["data"]) for page in pages] == [10, 10, 5, 0]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 25
    assert pages[3]["pagination"] == {"page": 4, "limit": 10, "total": 25, "totalPages": 3}


def test_default_ordering_is_newest_first(api_client: APIClient, admin: User) -> None:
    for days, name in ((2, "old"), (0, "new"), (1, "middle")):
        row = factories.WebchatFactory.create(user=admin, name=name)
        Webchat.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days))
    assert names(api_client.get("/api/webchats")) == ["new", "middle", "old"]
    assert names(api_client.get("/api/webchats?ordering=createdAt")) == ["old", "middle", "new"]
    assert names(api_client.get("/api/webchats?ordering=-name")) == ["old", "new", "middle"]
    assert names(api_client.get("/api/webchats?ordering=updatedAt")) == ["old", "new", "middle"]


def test_search_in_name_and_description_is_case_insensitive(
    api_client: APIClient, admin: User
) -> None:
    factories.WebchatFactory.create(user=admin, name="Shop widget")
    factories.WebchatFactory.create(user=admin, name="Other", description="for the SHOP")
    factories.WebchatFactory.create(user=admin, name="Blog", initial_stage="shop")
    assert set(names(api_client.get("/api/webchats?search=sHoP"))) == {"Shop widget", "Other"}
    assert len(names(api_client.get("/api/webchats?search="))) == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("op harb", ["Shop Harbour 42"]),
        ("SHOP HARBOUR 42", ["Shop Harbour 42"]),
        ("bour 4", ["Shop Harbour 42"]),
        ("Ärger", ["Viel Ärger (neu)"]),
        ("ärger (n", []),  # SQLite ignores the case of ASCII letters only.
        ("-x", ["a-x_y"]),
        ("sITORs", ["Shop Harbour 42"]),
        (" shopping ", ["Shop"]),
        ("x_y", ["a-x_y"]),
        # All words occur, but not as this phrase.
        ("harbour shop", []),
        ("shop harbour 43", []),
        ("shop  harbour", []),
        # The text spans two fields.
        ("42 for visitors", []),
    ],
)
def test_search_finds_the_exact_text_within_one_field(
    api_client: APIClient, admin: User, text: str, found: list[str]
) -> None:
    factories.WebchatFactory.create(user=admin, name="Shop Harbour 42", description="for visitors")
    factories.WebchatFactory.create(user=admin, name="Shop", description="Harbour, shopping 42")
    factories.WebchatFactory.create(user=admin, name="Viel Ärger (neu)")
    factories.WebchatFactory.create(user=admin, name="a-x_y")
    if text == "ärger (n" and connection.vendor == "postgresql":
        found = ["Viel Ärger (neu)"]
    assert names(api_client.get("/api/webchats", {"search": text})) == found


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such index.")
@pytest.mark.parametrize("text", ["harbour", "Shop Harbour 42", "50% off"])
def test_search_uses_its_index(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "webchat_search" in Webchat.objects.order_by().containing(text).explain()


def test_search_without_a_word_considers_the_newest_webchats_of_the_organization(
    api_client: APIClient, admin: User, other_admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webchats.search.UNINDEXED_ROWS", 2)
    for user in (admin, other_admin):
        for number in range(3):
            factories.WebchatFactory.create(user=user, name=f"shop ¶{number}")
    # No other test searches this text, whose query is cached with the number above.
    assert names(api_client.get("/api/webchats", {"search": "¶"})) == ["shop ¶2", "shop ¶1"]
    assert names(api_client.get("/api/webchats", {"search": "¶0"})) == []
    assert names(api_client.get("/api/webchats", {"search": "shop ¶0"})) == ["shop ¶0"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "%27%3B--"])
def test_search_escapes_special_characters_of_sql(
    api_client: APIClient, admin: User, text: str
) -> None:
    factories.WebchatFactory.create(user=admin, name=f"a{text}b")
    factories.WebchatFactory.create(user=admin, name="plain")
    assert names(api_client.get("/api/webchats", {"search": text})) == [f"a{text}b"]


def test_filters_are_combined_with_and(api_client: APIClient, admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization)
    match = factories.WebchatFactory.create(
        user=admin, is_enabled=False, is_autopilot=True, pipeline=pipeline
    )
    for other in ({"is_enabled": True}, {"is_enabled": False}):
        factories.WebchatFactory.create(user=admin, is_autopilot=True, **other)
    query = {
        "isEnabled": "false",
        "isAutopilot": "true",
        "promptId": match.prompt_id,
        "pipelineId": pipeline.pk,
    }
    assert names(api_client.get("/api/webchats", query)) == [match.name]
    assert len(names(api_client.get("/api/webchats?isEnabled=false"))) == 2


def test_filter_by_a_row_of_another_organization_matches_nothing(
    api_client: APIClient, admin: User, other_admin: User
) -> None:
    factories.WebchatFactory.create(user=admin)
    theirs = factories.WebchatFactory.create(user=other_admin)
    assert names(api_client.get(f"/api/webchats?promptId={theirs.prompt_id}")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=1.5", "page"),
        ("page=1.0", "page"),
        ("page=1_0", "page"),
        ("page=\uff11", "page"),
        ("page=" + "9" * 30, "page"),
        ("page=" + "9" * 5000, "page"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=all", "limit"),
        ("isEnabled=maybe", "isEnabled"),
        ("isEnabled=1", "isEnabled"),
        ("isAutopilot=TRUE", "isAutopilot"),
        ("promptId=x", "promptId"),
        ("promptId=%00", "promptId"),
        ("pipelineId=' OR 1=1", "pipelineId"),
        ("ordering=password", "ordering"),
        ("ordering=organization__name", "ordering"),
        ("search=%00", "search"),
        ("search=" + "a" * 201, "search"),
    ],
)
def test_malformed_query_parameter_is_reported(
    api_client: APIClient, query: str, field: str
) -> None:
    assert invalid_parameters(api_client.get(f"/api/webchats?{query}")) == {field}


def test_all_malformed_query_parameters_are_reported_at_once(api_client: APIClient) -> None:
    response = api_client.get("/api/webchats?page=0&limit=1000&isEnabled=x&promptId=x&ordering=x")
    assert invalid_parameters(response) == {"page", "limit", "isEnabled", "promptId", "ordering"}


@pytest.mark.parametrize("order", [",", "name,", ",name", "name,name", "", "name,-name"])
def test_empty_and_repeated_names_in_an_ordering_are_ignored(
    api_client: APIClient, admin: User, order: str
) -> None:
    factories.WebchatFactory.create_batch(2, user=admin)
    assert len(names(api_client.get("/api/webchats", {"ordering": order}))) == 2


@pytest.mark.parametrize("query", ["nonsense=1", "page=1&format=xml", "organizationId=x"])
def test_unknown_query_parameter_is_ignored(api_client: APIClient, query: str) -> None:
    assert api_client.get(f"/api/webchats?{query}").status_code == 200


def test_filters_do_not_apply_to_a_single_row(api_client: APIClient, admin: User) -> None:
    row = factories.WebchatFactory.create(user=admin, is_enabled=True)
    assert api_client.get(f"/api/webchats/{row.pk}?isEnabled=false&page=x").status_code == 200


@pytest.mark.parametrize("resource", ["webchats", "pipelines", "prompts", "api-keys"])
def test_number_of_queries_does_not_grow_with_the_list(
    api_client: APIClient, admin: User, resource: str, django_assert_num_queries: Any
) -> None:
    def create(count: int) -> None:
        for _ in range(count):
            if resource == "webchats":
                factories.WebchatFactory.create(user=admin)
            elif resource == "pipelines":
                pipeline = factories.PipelineFactory.create(organization=admin.organization)
                factories.StageFactory.create_batch(2, pipeline=pipeline)
            elif resource == "prompts":
                factories.PromptFactory.create(organization=admin.organization)
            else:
                factories.ApiKeyFactory.create(user=admin)

    queries = 4 if resource == "pipelines" else 3  # user, count, rows, and stages of pipelines
    create(1)
    with django_assert_num_queries(queries):
        assert len(names(api_client.get(f"/api/{resource}?limit=1"))) == 1
    create(99)
    # One more for the size of a page that can be large.
    queries += resource in {"prompts", "pipelines"}
    with django_assert_num_queries(queries):
        assert len(names(api_client.get(f"/api/{resource}?limit=100"))) == 100


def test_retrieve_runs_two_queries(
    api_client: APIClient, admin: User, django_assert_num_queries: Any
) -> None:
    row = factories.WebchatFactory.create(user=admin)
    with django_assert_num_queries(2):  # user, row
        api_client.get(f"/api/webchats/{row.pk}")
