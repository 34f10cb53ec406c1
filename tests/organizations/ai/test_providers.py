"""The API of AI providers, and which one a prompt uses."""

from typing import Any

import pytest
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from organizations.ai import addresses
from organizations.ai.providers import resolve_provider
from organizations.models import AiProvider, User
from organizations.models.ai_provider import ProviderKind
from tests.api.errors import assert_error
from tests.support import factories
from tests.support.ai import API_KEY
from tests.support.clients import log_in
from tests.support.responses import error_codes

pytestmark = pytest.mark.django_db

PATH = "/api/ai-providers"
BODY = {"name": "Claude", "kind": "anthropic", "defaultModel": "claude", "apiKey": API_KEY}


@pytest.fixture(autouse=True)
def _public_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name has a public address."""
    monkeypatch.setattr(addresses, "resolve", lambda *_: ["93.184.215.14"])


def create(client: APIClient, **values: Any) -> dict[str, Any]:
    response = client.post(PATH, {**BODY, **values})
    assert response.status_code == 201, response.content
    document: dict[str, Any] = response.json()["data"]
    return document


def test_create_with_defaults(api_client: APIClient, admin: User) -> None:
    document = create(api_client)
    assert "apiKey" not in document
    assert (
        document.items()
        >= {
            "organizationId": admin.organization_id,
            "baseUrl": "",
            "keyHint": API_KEY[-4:],
            "fallbackId": None,
            "firstTokenSeconds": 20,
            "totalSeconds": 60,
            "maxParallel": 10,
            "monthlyTokenBudget": None,
            "inputPrice": None,
            "outputPrice": None,
            "isDefault": False,
            "lastOkAt": None,
            "lastError": "",
            "lastErrorAt": None,
        }.items()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("kind", "gemini"),
        ("kind", None),
        ("baseUrl", "http://93.184.215.14/v1"),
        ("baseUrl", "https://user:secret@example.com/v1"),
        ("apiKey", "two words"),
        ("apiKey", 7),
        ("defaultModel", "a" * 101),
        ("firstTokenSeconds", 21),
        ("totalSeconds", 0),
        ("maxParallel", 0),
        ("monthlyTokenBudget", -1),
        ("inputPrice", -1),
    ],
)
def test_it_rejects_invalid_value(api_client: APIClient, name: str, value: Any) -> None:
    body = BODY | {"isDefault": True, name: value}
    assert error_codes(api_client.post(PATH, body)).keys() == {name}
    assert not AiProvider.objects.exists()


def test_an_internal_address_is_rejected(
    api_client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "resolve", lambda *_: ["10.0.0.1"])
    body = BODY | {"baseUrl": "https://internal.example.com/v1"}
    assert error_codes(api_client.post(PATH, body)) == {"baseUrl": "invalid"}


@pytest.mark.parametrize("change", [{"kind": "openai"}, {"baseUrl": "https://evil.example.com/v1"}])
def test_another_kind_or_base_url_requires_the_key_again(
    change: dict[str, str], api_client: APIClient
) -> None:
    path = f"{PATH}/{create(api_client)['_id']}"
    assert error_codes(api_client.patch(path, change)) == {"apiKey": "required"}
    # With a key, or without any.
    for key in ("sk-another-key-of-the-tests-1234", ""):
        assert api_client.patch(path, {**change, "apiKey": key}).status_code == 200


def test_put_of_the_read_document_keeps_the_key(api_client: APIClient) -> None:
    document = create(api_client, baseUrl="https://api.example.com/v1")
    response = api_client.put(f"{PATH}/{document['_id']}", document)
    assert response.status_code == 200
    provider = AiProvider.objects.get()
    assert provider.api_key == API_KEY
    assert api_client.patch(f"{PATH}/{provider.pk}", {"apiKey": None}).status_code == 200
    provider.refresh_from_db()
    assert (provider.api_key, provider.key_hint) == ("", "")


def test_without_ai_keys_no_key_can_be_saved(api_client: APIClient, settings: Settings) -> None:
    settings.AI_KEYS = []
    assert error_codes(api_client.post(PATH, BODY)) == {"apiKey": "no_encryption_key"}
    create(api_client, apiKey="")


@pytest.mark.parametrize("role", ["DEPARTMENT_HEAD", "SALES_REP"])
def test_only_administrators_change_providers(role: str, api: Any, admin: User) -> None:
    path = f"{PATH}/{create(api(admin))['_id']}"
    client = api(factories.UserFactory.create(organization=admin.organization, access_role=role))
    assert client.get(path).status_code == 200
    assert client.post(PATH, BODY).status_code == 403
    assert client.patch(path, {"name": "Mine"}).status_code == 403
    assert client.delete(path).status_code == 403


def test_a_superuser_stores_a_key_for_an_organization(
    api: Any, superuser: User, admin: User
) -> None:
    document = create(api(superuser), organizationId=admin.organization_id)
    assert document["organizationId"] == admin.organization_id
    assert AiProvider.objects.get().api_key == API_KEY
    assert "organizationId" in error_codes(api(superuser).post(PATH, BODY))


def test_a_new_default_replaces_the_former_one(api_client: APIClient) -> None:
    former, new = (create(api_client, isDefault=True)["_id"] for _ in range(2))
    assert not AiProvider.objects.get(pk=former).is_default
    assert AiProvider.objects.get(pk=new).is_default


def test_a_provider_in_use_cannot_be_deleted(api_client: APIClient, admin: User) -> None:
    used, fallback = create(api_client)["_id"], create(api_client)["_id"]
    prompt = {"name": "P", "instructions": "I", "providerId": used}
    prompt_id = api_client.post("/api/prompts", prompt).json()["data"]["_id"]
    api_client.patch(f"{PATH}/{used}", {"fallbackId": fallback})
    for pk in (used, fallback):
        assert_error(api_client.delete(f"{PATH}/{pk}"), 409, "in_use")
    own = error_codes(api_client.patch(f"{PATH}/{used}", {"fallbackId": used}))
    assert own == {"fallbackId": "invalid"}
    assert api_client.patch(f"/api/prompts/{prompt_id}", {"providerId": None}).status_code == 200
    for pk in (used, fallback):
        assert api_client.delete(f"{PATH}/{pk}").status_code == 200


def test_a_provider_without_an_api_key_cannot_be_selected(
    api_client: APIClient, admin: User
) -> None:
    provider = factories.AiProviderFactory.create(organization=admin.organization)
    body = {"name": "P", "instructions": "I", "providerId": provider.pk}
    response = api_client.post("/api/prompts", body)
    assert error_codes(response) == {"providerId": "no_api_key"}
    response = api_client.post(PATH, BODY | {"fallbackId": provider.pk})
    assert error_codes(response) == {"fallbackId": "no_api_key"}


def test_a_provider_that_lost_its_key_blocks_no_other_change(
    api_client: APIClient, admin: User
) -> None:
    keyless, other = factories.AiProviderFactory.create_batch(2, organization=admin.organization)
    prompt = factories.PromptFactory.create(organization=admin.organization, provider=keyless)
    AiProvider.objects.filter(pk=other.pk).update(fallback=keyless)
    path = f"/api/prompts/{prompt.pk}"
    assert api_client.patch(path, {"temperature": 0.1}).status_code == 200
    assert api_client.patch(f"{PATH}/{other.pk}", {"name": "Renamed"}).status_code == 200
    values = {"name": "Sales", "instructions": "Be brief.", "temperature": 0.2, "max_tokens": 100}
    form = values | {"provider": keyless.pk}
    client = log_in(admin)
    url = reverse("admin:organizations_prompt_change", args=[prompt.pk])
    assert client.post(url, form).status_code == 302
    errors = client.post(url, form | {"provider": other.pk}).context["adminform"].errors
    assert list(errors) == ["provider"]


def test_the_provider_of_a_prompt(admin: User, settings: Settings) -> None:
    """It is the prompt's, else the organization's default, else the deployment's, else builtin."""
    organization = admin.organization
    prompt = factories.PromptFactory.create(organization=organization, model="model-2")
    assert resolve_provider(prompt).is_builtin
    settings.AI_KIND, settings.AI_MODEL, settings.AI_API_KEY = "openai", "model-0", API_KEY
    settings.AI_MONTHLY_TOKENS = 1000
    deployment = resolve_provider(prompt)
    assert (deployment.id, deployment.monthly_token_budget) == (None, 1000)
    # The operator pays, so the prompt does not select the model.
    assert deployment.model == "model-0"
    assert deployment.is_usable
    assert API_KEY not in repr(deployment)
    factories.AiProviderFactory.create(is_default=True)
    assert resolve_provider(prompt).id is None
    default = factories.AiProviderFactory.create(organization=organization, is_default=True)
    assert resolve_provider(prompt).id == default.pk
    fallback = factories.AiProviderFactory.create(
        organization=organization, base_url="https://llm.example.com/v1", default_model="model-3"
    )
    prompt.provider = factories.AiProviderFactory.create(
        organization=organization, kind="anthropic", fallback=fallback, total_seconds=30
    )
    settings.AI_FIRST_TOKEN_SECONDS = 2
    resolved = resolve_provider(prompt)
    assert (resolved.id, resolved.kind) == (prompt.provider.pk, ProviderKind.ANTHROPIC)
    assert (resolved.model, resolved.base_url) == ("model-2", "https://api.anthropic.com")
    # The lower of both limits.
    assert (resolved.first_token_seconds, resolved.total_seconds) == (2, 30)
    assert not resolved.is_usable
    assert resolved.fallback is not None
    assert resolved.fallback.model == "model-3"
    # An endpoint of one's own may need no key.
    assert resolved.fallback.is_usable
