"""The admin pages of API keys."""

import pytest

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
