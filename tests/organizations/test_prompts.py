"""The API of prompts."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from organizations.models import Pipeline, Prompt, User
from tests.api.errors import assert_error
from tests.support import factories
from tests.support.responses import error_codes

pytestmark = pytest.mark.django_db


def test_create_prompt_with_defaults(api_client: APIClient, admin: User) -> None:
    body = {"name": "Sales", "instructions": "Be brief."}
    response = api_client.post("/api/prompts", body)
    assert response.status_code == 201
    assert response.json()["message"] == "Prompt created"
    document = response.json()["data"]
    defaults = {"model": "", "temperature": 0.7, "maxTokens": 1024, "isActive": True}
    assert document.items() >= {**body, **defaults, "organizationId": admin.organization_id}.items()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "a" * 121),
        ("instructions", "a" * 20_001),
        ("instructions", " "),
        ("model", "a" * 101),
        ("temperature", 2.1),
        ("temperature", -0.1),
        ("temperature", "1"),
        ("temperature", True),
        ("temperature", 10**400),
        ("maxTokens", 0),
        ("maxTokens", 32_001),
        ("isActive", "no"),
    ],
)
def test_it_rejects_invalid_value(api_client: APIClient, name: str, value: Any) -> None:
    body = {"name": "Sales", "instructions": "Be brief."}
    assert error_codes(api_client.post("/api/prompts", body | {name: value})).keys() == {name}
    assert not Prompt.objects.exists()


def test_delete_unused_prompt(api_client: APIClient, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    response = api_client.delete(f"/api/prompts/{prompt.pk}")
    assert response.json() == {"message": "Prompt deleted"}
    assert not Prompt.objects.exists()


def test_filter_prompts_by_is_active(api_client: APIClient, admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Active")
    factories.PromptFactory.create(
        organization=admin.organization, name="Inactive", is_active=False
    )
    response = api_client.get("/api/prompts?isActive=false")
    assert [document["name"] for document in response.json()["data"]] == ["Inactive"]


def test_number_of_prompts_of_an_organization_is_limited(
    api_client: APIClient, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prompt, "max_per_organization", 1)
    body = {"name": "Sales", "instructions": "Be brief."}
    factories.PromptFactory.create()
    path = api_client.post("/api/prompts", body).headers["Location"]
    response = api_client.post("/api/prompts", body)
    error = assert_error(response, 400, "validation_error")
    assert error["details"] == [
        {
            "code": "limit_reached",
            "message": ("An organization can have at most 1 prompts. Delete one that is not used."),
        }
    ]
    assert api_client.patch(path, {"name": "Support"}).status_code == 200


def test_stages_in_forms_are_limited_by_the_pipelines_of_an_organization(admin: User) -> None:
    assert Pipeline.max_per_organization is not None
    rows = factories.PipelineFactory.build_batch(
        Pipeline.max_per_organization, organization=admin.organization
    )
    Pipeline.objects.bulk_create(rows)
    another = Pipeline(name="One more", organization=admin.organization)
    with pytest.raises(ValidationError, match="at most 50 pipelines"):
        another.full_clean()
