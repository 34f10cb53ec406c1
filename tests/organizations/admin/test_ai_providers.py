"""The admin pages of AI providers."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from organizations.ai.connection_job import run_connection_test
from organizations.jobs import queue
from organizations.models import AiProvider, AiUsage, User
from organizations.models.job import Job
from tests.organizations.admin.urls import list_url
from tests.support import event_loops, factories
from tests.support.ai import API_KEY
from tests.support.clients import log_in
from tests.support.http_server import http_response, responding

pytestmark = pytest.mark.django_db

HX = {"HX-Request": "true"}
STREAM = """data: {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}

data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}

data: [DONE]

"""


@pytest.fixture(autouse=True)
def _ai_keys(settings: Settings) -> None:
    settings.AI_KEYS = [Fernet.generate_key().decode()]


@pytest.fixture
def provider(admin: User) -> AiProvider:
    """A provider with an API key."""
    provider = factories.AiProviderFactory.build(organization=admin.organization)
    provider.api_key = API_KEY
    provider.save()
    return provider


def change_url(provider: AiProvider) -> str:
    return f"{list_url(AiProvider)}{provider.pk}/change/"


def connection_url(provider: AiProvider) -> str:
    return reverse("admin:organizations_aiprovider_connection", args=[provider.pk])


def body(**values: Any) -> dict[str, Any]:
    """Return what the form of a provider sends."""
    limits = {"first_token_seconds": 20, "total_seconds": 60, "max_parallel": 10}
    return {"name": "Model", "kind": "openai", "default_model": "model-1", **limits, **values}


def test_a_new_provider_has_its_key_encrypted(session_client: Client, admin: User) -> None:
    page = session_client.get(f"{list_url(AiProvider)}add/").content.decode()
    assert 'name="api_key"' in page
    assert "remove_api_key" not in page
    response = session_client.post(f"{list_url(AiProvider)}add/", body(api_key=API_KEY))
    assert response.status_code == 302
    provider = AiProvider.objects.get()
    assert provider.organization_id == admin.organization_id
    assert provider.api_key == API_KEY


def test_the_key_is_kept_replaced_or_removed(session_client: Client, provider: AiProvider) -> None:
    url = change_url(provider)
    page = session_client.get(url).content.decode()
    assert API_KEY not in page
    assert API_KEY[-4:] in page
    for values, expected in (
        ({}, API_KEY),
        ({"api_key": "another-key-of-the-tests"}, "another-key-of-the-tests"),
        ({"remove_api_key": "on"}, ""),
    ):
        assert session_client.post(url, body(**values)).status_code == 302
        provider.refresh_from_db()
        assert provider.api_key == expected


def test_another_kind_requires_the_key_again(session_client: Client, provider: AiProvider) -> None:
    response = session_client.post(change_url(provider), body(kind="anthropic"))
    assert "Enter the API key again" in str(response.context["adminform"].errors["api_key"])
    response = session_client.post(change_url(provider), body(kind="anthropic", api_key=API_KEY))
    assert response.status_code == 302


def test_a_default_that_cannot_be_called_is_refused(session_client: Client) -> None:
    url = f"{list_url(AiProvider)}add/"
    response = session_client.post(url, body(is_default="on"))
    assert "The default needs an API key" in str(response.context["adminform"].errors["api_key"])
    assert session_client.post(url, body()).status_code == 302
    assert "No API key" in session_client.get(list_url(AiProvider)).content.decode()


def test_without_ai_keys_the_form_shows_an_error(
    session_client: Client, settings: Settings
) -> None:
    settings.AI_KEYS = []
    response = session_client.post(f"{list_url(AiProvider)}add/", body(api_key=API_KEY))
    assert "AI_KEYS" in str(response.context["adminform"].errors["api_key"])
    assert API_KEY not in response.content.decode()


@pytest.mark.parametrize("role", ["DEPARTMENT_HEAD", "SALES_REP"])
def test_others_see_the_provider_and_the_end_of_its_key(role: str, provider: AiProvider) -> None:
    user = factories.UserFactory.create(organization=provider.organization, access_role=role)
    client = log_in(user)
    page = client.get(change_url(provider)).content.decode()
    assert f"…{API_KEY[-4:]}" in page
    assert "Test connection" not in page
    assert 'name="api_key"' not in page
    assert client.post(change_url(provider), body()).status_code == 403
    assert client.post(connection_url(provider)).status_code == 403
    assert client.get(connection_url(provider)).status_code == 403


def test_the_list_shows_the_state(session_client: Client, provider: AiProvider) -> None:
    url = list_url(AiProvider)
    assert "Not used yet" in session_client.get(url).content.decode()
    AiProvider.objects.update(last_ok_at=timezone.now())
    assert "Works" in session_client.get(url).content.decode()
    AiProvider.objects.update(last_error_at=timezone.now(), last_error="No credit left.")
    assert "Failed" in session_client.get(url).content.decode()
    assert "No credit left." in session_client.get(change_url(provider)).content.decode()


@pytest.mark.django_db(transaction=True)
def test_test_connection_is_a_job_whose_result_is_polled(
    session_client: Client, provider: AiProvider, settings: Settings
) -> None:
    url = connection_url(provider)
    assert 'hx-get="' not in session_client.get(url).content.decode()
    # NUL and a lone surrogate cannot be stored.
    missing = r'{"error": {"message": "No \u0000such\ud800 model"}}'
    responses = http_response(200, STREAM), http_response(404, missing)
    with responding(*responses) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        AiProvider.objects.update(base_url=f"http://{server.address}/v1")
        for result in ("The connection works.", "No such model"):
            assert session_client.post(url).status_code == 302
            page = session_client.post(url, headers=HX).content.decode()
            assert "is being tested" in page
            assert f'hx-get="{url}"' in page
            (job,) = queue.claim(["test_connection"])
            event_loops.run(run_connection_test(job))
            queue.complete(job)
            page = session_client.get(url, headers=HX).content.decode()
            assert result in page
            assert 'hx-get="' not in page
    assert API_KEY in server.requests[0]
    rows = AiUsage.objects.order_by("created_at")
    found = [(row.purpose, row.end_reason, row.input_tokens, row.output_tokens) for row in rows]
    assert found == [("test", "stop", 9, 1), ("test", "not_found", 0, 0)]
    Job.objects.all().delete()


def test_a_test_that_no_worker_takes_names_the_worker(
    session_client: Client, provider: AiProvider
) -> None:
    session_client.post(connection_url(provider))
    Job.objects.update(run_at=timezone.now() - timedelta(seconds=20))
    assert "manage.py work" in session_client.get(connection_url(provider)).content.decode()


@pytest.mark.django_db(transaction=True)
def test_providers_that_cannot_be_called_are_tested(provider: AiProvider) -> None:
    AiProvider.objects.update(kind="builtin")
    job = queue.ClaimedJob(
        "", "test_connection", provider.pk, provider.organization_id, {}, 1, 1, 1
    )
    event_loops.run(run_connection_test(job))
    provider.refresh_from_db()
    assert provider.last_ok_at is not None
    AiProvider.objects.update(kind="openai", default_model="")
    event_loops.run(run_connection_test(job))
    provider.refresh_from_db()
    assert provider.last_error == "The provider has no default model. Enter one."
    provider.delete()
    event_loops.run(run_connection_test(job))
