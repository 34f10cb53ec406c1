"""The admin pages of API keys."""

from typing import Any

import pytest
from django.test import Client

from organizations.models import ApiKey, User
from tests.organizations.admin.urls import list_url
from tests.support import factories
from tests.support.clients import log_in

pytestmark = pytest.mark.django_db


def test_secret_of_a_new_api_key_is_shown_once(admin: User) -> None:
    client = log_in(admin)
    response = client.post(f"{list_url(ApiKey)}add/", {"name": "CI"})
    key = ApiKey.objects.get()
    secret = response.context["secret"]
    assert ApiKey.hash_secret(secret) == key.digest
    assert (key.user, key.organization_id) == (admin, admin.organization_id)
    assert secret in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert secret not in str(response.cookies)
    for url in (list_url(ApiKey), f"{list_url(ApiKey)}{key.pk}/change/"):
        assert secret not in client.get(url).content.decode()


def test_api_key_cannot_be_changed_or_expire_in_the_past(admin: User) -> None:
    client = log_in(admin)
    body = {"name": "Late", "expires_at": "2001-01-01T00:00"}
    response = client.post(f"{list_url(ApiKey)}add/", body)
    assert response.context["adminform"].errors["expires_at"] == ["Must be in the future."]
    key = factories.ApiKeyFactory.create(user=admin)
    assert client.post(f"{list_url(ApiKey)}{key.pk}/change/", {"name": "x"}).status_code == 403


# --- A form that is submitted again ---


def read_form(client: Client) -> dict[str, Any]:
    """Open the form of a new key and return its values, with a name."""
    form = client.get(f"{list_url(ApiKey)}add/").context["adminform"].form
    return {"name": "CI", "idempotency_key": form["idempotency_key"].value()}


def test_form_that_is_submitted_again_creates_no_second_key(admin: User) -> None:
    client = log_in(admin)
    body = read_form(client)
    client.post(f"{list_url(ApiKey)}add/", body)
    response = client.post(f"{list_url(ApiKey)}add/", body, follow=True)
    key = ApiKey.objects.get()
    assert response.redirect_chain == [(list_url(ApiKey), 302)]
    page = response.content.decode()
    assert "The API key “CI” was already created. Its secret was shown once." in page
    assert key.digest not in page


def test_form_that_is_opened_again_creates_another_key(admin: User) -> None:
    client = log_in(admin)
    for _ in range(2):
        assert client.post(f"{list_url(ApiKey)}add/", read_form(client)).context["secret"]
    assert ApiKey.objects.count() == 2


def test_id_of_a_new_key_cannot_be_chosen(admin: User, other_admin: User) -> None:
    existing = factories.ApiKeyFactory.create(user=other_admin)
    stolen = read_form(log_in(other_admin))["idempotency_key"]
    client = log_in(admin)
    for value in ("0" * 24, existing.pk, f"{existing.pk}:signature", stolen, ""):
        body = {"name": "CI", "idempotency_key": value}
        assert client.post(f"{list_url(ApiKey)}add/", body).context["secret"]
    ids = set(ApiKey.objects.filter(user=admin).values_list("pk", flat=True))
    assert len(ids) == 5
    assert not ids & {"0" * 24, existing.pk, stolen.partition(":")[0]}
