"""What is read by compiled statements is what the serializer and the queryset would give."""

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient, APIRequestFactory

from organizations.models import Prompt, User
from tests.support import factories
from tests.test_tenant_isolation import RESOURCES, row_of
from webchat_project.api import pages
from webchat_project.api.statements import Compiled, Statement, Value
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

WITH_READER = [resource for resource in RESOURCES if resource[1].reader is not None]


@pytest.mark.parametrize(("prefix", "viewset"), WITH_READER)
def test_a_document_is_the_serializers_own(
    prefix: str, viewset: Any, api: Any, admin: User
) -> None:
    row = row_of(viewset, admin.organization)
    request = APIRequestFactory().get("/")
    request.user = admin
    expected = viewset.serializer_class(row, context={"request": request}).data
    client = api(admin)
    # (An icon's URL may be signed at another second.)
    one = client.get(f"/api/{prefix}/{row.pk}").json()["data"]
    assert one == expected
    assert list(one) == list(expected)
    keys_too = {entry["_id"]: entry for entry in client.get(f"/api/{prefix}").json()["data"]}
    assert keys_too[row.pk] == expected


def test_a_full_document_is_the_serializers_own(api: Any, admin: User) -> None:
    stage = factories.StageFactory.create(pipeline__organization=admin.organization)
    row = factories.WebchatFactory.create(
        user=admin,
        allowed_domains=["example.com", "*.example.com"],
        icon=f"orgs/{admin.organization_id}/webchat/icon.png",
        pipeline=stage.pipeline,
        pipeline_stage=stage,
        entry_stage=stage,
        name="\u2028 \U0001f600",
        is_autopilot=True,
        offset_x=7,
    )
    row.refresh_from_db()
    client = api(admin)
    answer = client.get(f"/api/webchats/{row.pk}")
    written = client.patch(f"/api/webchats/{row.pk}", {}).json()["data"]
    assert answer.json()["data"] == {**written, "updatedAt": answer.json()["data"]["updatedAt"]}
    assert answer.json()["data"]["pipelineStage"] == stage.pk


def test_one_question_of_two_organizations_has_two_answers(
    api: Any, admin: User, other_admin: User, superuser: User
) -> None:
    mine = factories.WebchatFactory.create(user=admin)
    theirs = factories.WebchatFactory.create(user=other_admin)

    def seen(user: User) -> set[str]:
        answer = api(user).get("/api/webchats?limit=50&search=Webchat").json()
        assert answer["pagination"]["total"] == len(answer["data"])
        return {document["_id"] for document in answer["data"]}

    assert [seen(user) for user in (admin, other_admin, superuser, admin)] == [
        {mine.pk},
        {theirs.pk},
        {mine.pk, theirs.pk},
        {mine.pk},
    ]


def test_the_same_question_sees_what_was_written_since(api: Any, admin: User) -> None:
    client = api(admin)
    assert client.get("/api/webchats").json()["pagination"]["total"] == 0
    factories.WebchatFactory.create_batch(21, user=admin)
    answer = client.get("/api/webchats").json()
    assert answer["pagination"] == {"page": 1, "limit": 20, "total": 21, "totalPages": 2}
    Webchat.objects.all().delete()
    assert client.get("/api/webchats").json()["data"] == []


@pytest.fixture
def counted_to_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than three rows are too many to be counted at each request."""
    monkeypatch.setattr(pages, "COUNTED_ROWS", 3)
    monkeypatch.setattr("webchat_project.api.compiled._compiled", Compiled())


@pytest.mark.usefixtures("counted_to_three")
def test_a_long_list_is_counted_to_the_end_once_a_minute(api: Any, admin: User) -> None:
    client = api(admin)

    def total(limit: int) -> int:
        answer = client.get(f"/api/webchats?limit={limit}").json()["pagination"]
        found: int = answer["total"]
        return found

    factories.WebchatFactory.create_batch(3, user=admin)
    assert total(2) == 3
    factories.WebchatFactory.create_batch(2, user=admin)
    assert total(2) == 5
    factories.WebchatFactory.create(user=admin)
    assert total(2) == 5, "as it was at most a minute ago"
    assert total(10) == 6, "the last page tells it"
    cache.clear()
    assert total(2) == 6


@pytest.mark.usefixtures("counted_to_three")
def test_a_long_lists_total_is_each_organizations_own(
    api: Any, admin: User, other_admin: User
) -> None:
    factories.WebchatFactory.create_batch(5, user=admin)
    factories.WebchatFactory.create_batch(4, user=other_admin)
    totals = [
        api(user).get("/api/webchats?limit=1").json()["pagination"]["total"]
        for user in (admin, other_admin)
    ]
    assert totals == [5, 4]


def test_a_statement_without_rows_asks_nothing(django_assert_num_queries: Any) -> None:
    nothing = Prompt.objects.none()
    with django_assert_num_queries(0):
        assert Statement(nothing.values_list("pk")).rows() == []
        assert Statement.counting(nothing).number() == 0


def test_a_statement_takes_other_values_each_time() -> None:
    prompts = factories.PromptFactory.create_batch(2)
    statement = Statement(Prompt.objects.filter(pk=Value("pk")).values_list("name"))
    assert [statement.rows(pk=prompt.pk) for prompt in prompts] == [
        [(prompt.name,)] for prompt in prompts
    ]


def test_what_is_compiled_is_remembered_until_it_is_too_much() -> None:
    compiled = Compiled(most=2, longest=5)
    made: list[str] = []

    def ask(question: str) -> None:
        def make() -> str:
            made.append(question)
            return question

        assert compiled.get((question,), make) == question

    for question in ("a", "a", "b", "a", "c", "a", "longer", "longer"):
        ask(question)
    assert made == ["a", "b", "c", "a", "longer", "longer"]


def test_json_may_be_asked_for_with_indents(api: Any, admin: User) -> None:
    client: APIClient = api(admin)
    answer = client.get("/api/webchats", HTTP_ACCEPT="application/json; indent=2")
    assert b'\n  "data": []' in answer.content
