"""The API of knowledge entries."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import User
from tests.api.errors import assert_error
from tests.support import factories
from tests.support.responses import error_codes
from webchats.conversations.models import KnowledgeEntry

pytestmark = pytest.mark.django_db

BODY = {"question": "How long does delivery take?", "answer": "Two days."}


def test_create_entry_with_defaults(api_client: APIClient, admin: User) -> None:
    response = api_client.post("/api/knowledge", BODY)
    assert response.status_code == 201
    assert response.json()["message"] == "Knowledge entry created"
    document = response.json()["data"]
    defaults = {"alsoAskedAs": [], "link": "", "language": "", "isActive": True, "promptIds": []}
    expected = {**BODY, **defaults, "organizationId": admin.organization_id}
    assert document.items() >= expected.items()
    path = response.headers["Location"]
    assert api_client.get(path).json()["data"] == document


def test_update_replaces_only_the_fields_that_were_sent(api_client: APIClient, admin: User) -> None:
    prompts = factories.PromptFactory.create_batch(2, organization=admin.organization)
    entry = factories.KnowledgeEntryFactory.create(organization=admin.organization)
    entry.prompts.set(prompts)
    path = f"/api/knowledge/{entry.pk}"
    response = api_client.patch(path, {"alsoAskedAs": [" When? ", "", "When?"]})
    assert response.json()["data"]["alsoAskedAs"] == ["When?"]
    assert response.json()["data"]["promptIds"] == [prompt.pk for prompt in prompts]
    response = api_client.put(path, {"promptIds": [prompts[1].pk, prompts[1].pk]})
    assert response.json()["data"]["promptIds"] == [prompts[1].pk]
    assert response.json()["data"]["alsoAskedAs"] == ["When?"]
    assert api_client.put(path, {"promptIds": None}).json()["data"]["promptIds"] == []
    entry.refresh_from_db()
    assert (entry.questions, entry.prompts.count()) == (f"{entry.question}\nWhen?", 0)


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("question", "", "question"),
        ("question", "a" * 301, "question"),
        ("answer", "a" * 4_001, "answer"),
        ("answer", "\0", "answer"),
        ("alsoAskedAs", "When?", "alsoAskedAs"),
        ("alsoAskedAs", ["ok", 1], "alsoAskedAs.1"),
        ("alsoAskedAs", ["ok", "a" * 301], "alsoAskedAs.1"),
        ("alsoAskedAs", [str(number) for number in range(21)], "alsoAskedAs"),
        ("link", "javascript:alert(1)", "link"),
        ("link", "example.com", "link"),
        ("language", "english", "language"),
        ("isActive", "yes", "isActive"),
        ("promptIds", "x", "promptIds"),
        ("promptIds", [1], "promptIds.0"),
        ("promptIds", ["0" * 24], "promptIds.0"),
        ("promptIds", ["x"], "promptIds.0"),
    ],
)
def test_it_rejects_invalid_value(api_client: APIClient, name: str, value: Any, field: str) -> None:
    response = api_client.post("/api/knowledge", BODY | {name: value})
    assert error_codes(response).keys() == {field}
    assert not KnowledgeEntry.objects.exists()


def test_prompt_of_another_organization_gives_the_same_error_as_an_unknown_id(
    api_client: APIClient, admin: User
) -> None:
    own = factories.PromptFactory.create(organization=admin.organization).pk
    theirs = factories.PromptFactory.create().pk
    entry = factories.KnowledgeEntryFactory.create(organization=admin.organization)
    for call, path in ((api_client.post, ""), (api_client.patch, f"/{entry.pk}")):
        responses = [
            call(f"/api/knowledge{path}", {**BODY, "promptIds": [own, pk]})
            for pk in (theirs, "0" * 24)
        ]
        assert responses[0].status_code == 400
        assert responses[0].json()["details"] == responses[1].json()["details"]
        assert responses[0].json()["details"][0]["field"] == "promptIds.1"
    assert not entry.prompts.exists()


def test_superuser_links_prompts_of_the_entrys_organization_only(
    api: Any, superuser: User, admin: User
) -> None:
    theirs = factories.PromptFactory.create().pk
    body = {**BODY, "organizationId": admin.organization_id, "promptIds": [theirs]}
    response = api(superuser).post("/api/knowledge", body)
    assert error_codes(response) == {"promptIds.0": "does_not_exist"}


def test_filters_of_the_list(api_client: APIClient, admin: User) -> None:
    def create(**values: Any) -> KnowledgeEntry:
        entry: KnowledgeEntry = factories.KnowledgeEntryFactory.create(
            organization=admin.organization, **values
        )
        return entry

    prompt = factories.PromptFactory.create(organization=admin.organization)
    create(question="Opening hours", also_asked_as=["When are you open?"])
    create(question="Delivery", answer="Two days", is_active=False)
    create(question="Returns").prompts.add(prompt)

    def found(query: str) -> list[str]:
        response = api_client.get(f"/api/knowledge?ordering=question&{query}")
        return [document["question"] for document in response.json()["data"]]

    assert found("") == ["Delivery", "Opening hours", "Returns"]
    assert found("search=ARE you") == ["Opening hours"]
    assert found("search=two days") == ["Delivery"]
    assert found("isActive=true") == ["Opening hours", "Returns"]
    assert found(f"promptId={prompt.pk}") == ["Returns"]


def test_number_of_queries_of_a_list_does_not_depend_on_its_rows(
    api_client: APIClient, admin: User, django_assert_num_queries: Any
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    for entry in factories.KnowledgeEntryFactory.create_batch(3, organization=admin.organization):
        entry.prompts.add(prompt)
    # The user, the size, the count, the page and its prompts.
    with django_assert_num_queries(5):
        api_client.get("/api/knowledge")


def test_number_of_entries_of_an_organization_is_limited(
    api_client: APIClient, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KnowledgeEntry, "max_per_organization", 1)
    assert api_client.post("/api/knowledge", BODY).status_code == 201
    error = assert_error(api_client.post("/api/knowledge", BODY), 400, "validation_error")
    assert error["details"][0]["code"] == "limit_reached"


@pytest.mark.parametrize(("role", "status"), [("DEPARTMENT_HEAD", 201), ("SALES_REP", 403)])
def test_department_heads_write_entries_and_sales_reps_read_them(
    api: Any, admin: User, role: str, status: int
) -> None:
    user = factories.UserFactory.create(organization=admin.organization, access_role=role)
    assert api(user).post("/api/knowledge", BODY).status_code == status
    assert api(user).get("/api/knowledge").status_code == 200
