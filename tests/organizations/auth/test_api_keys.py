"""API keys as credentials, and their endpoints."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from organizations.models import ApiKey, User
from tests.support import factories
from tests.support.authentication import request_status

pytestmark = pytest.mark.django_db

SECRET = "wck_secret-of-the-test"


def create_key(user: User, **fields: Any) -> str:
    """Create a key of ``user`` and return its secret."""
    factories.ApiKeyFactory.create(user=user, secret=SECRET, **fields)
    return SECRET


def test_only_the_digest_of_a_secret_is_stored(api_client: APIClient) -> None:
    response = api_client.post("/api/api-keys", {"name": "CRM"})
    assert response.status_code == 201
    document = response.json()["data"]
    secret = document.pop("key")
    assert document["name"] == "CRM"
    assert secret.startswith(document["prefix"])
    assert request_status(secret) == 200
    for path in ("/api/api-keys", f"/api/api-keys/{document['_id']}"):
        assert secret not in api_client.get(path).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM organizations_apikey")
        assert secret not in str(cursor.fetchall())


def test_requests_with_a_key_are_made_as_its_user(api_client: APIClient, admin: User) -> None:
    secret = api_client.post("/api/api-keys", {"name": "CRM"}).json()["data"]["key"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    response = client.post("/api/prompts", {"name": "By machine", "instructions": "Answer."})
    assert response.status_code == 201
    assert response.json()["data"]["organizationId"] == admin.organization_id


def test_deleted_key_is_invalid(api_client: APIClient, admin: User) -> None:
    secret = create_key(admin)
    assert request_status(secret) == 200
    path = f"/api/api-keys/{ApiKey.objects.get().pk}"
    assert api_client.delete(path).status_code == 200
    assert request_status(secret) == 401


def test_key_expires(admin: User) -> None:
    secret = create_key(admin, expires_at=timezone.now() + timedelta(hours=1))
    assert request_status(secret) == 200
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert request_status(secret) == 401


@pytest.mark.parametrize("moved", [True, False])
def test_key_of_moved_or_inactive_user_is_invalid(admin: User, moved: bool) -> None:
    secret = create_key(admin)
    if moved:
        admin.organization = factories.OrganizationFactory.create()
    else:
        admin.is_active = False
    admin.save()
    assert request_status(secret) == 401


def test_it_rejects_unknown_key(admin: User) -> None:
    secret = create_key(admin)
    assert request_status(secret[:-1]) == 401
    assert request_status(secret + "x") == 401
    assert request_status("wck_") == 401


def test_last_use_is_recorded_once_a_minute(admin: User, django_assert_num_queries: Any) -> None:
    secret = create_key(admin)
    assert request_status(secret) == 200
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        request_status(secret)
    assert ApiKey.objects.get().last_used_at == first
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        request_status(secret)
    last = ApiKey.objects.get().last_used_at
    assert last is not None
    assert last > first


@pytest.mark.parametrize(
    "value",
    [
        "2020-01-01T00:00:00Z",
        "tomorrow",
        5,
        "2020-13-01",
        "\x00",
        "2099-01-01",
        "2099-01-01T00:00:00",
        "20990101T000000Z",
        "2099-W01-1",
        "2099-13-01T00:00:00Z",
    ],
)
def test_expires_at_must_be_a_timestamp_in_the_future(api_client: APIClient, value: object) -> None:
    response = api_client.post("/api/api-keys", {"name": "CRM", "expiresAt": value})
    assert response.status_code == 400
    assert [detail["field"] for detail in response.json()["details"]] == ["expiresAt"]


def test_key_cannot_be_changed(api_client: APIClient, admin: User) -> None:
    create_key(admin)
    assert api_client.put(f"/api/api-keys/{ApiKey.objects.get().pk}", {}).status_code == 405


def test_key_cannot_be_created_for_another_user(
    api_client: APIClient, admin: User, rep: User
) -> None:
    response = api_client.post("/api/api-keys", {"name": "CRM", "userId": rep.pk})
    assert response.json()["data"]["userId"] == admin.pk


def test_superuser_cannot_create_a_key(api: Any, superuser: User, admin: User) -> None:
    sent = {"name": "CRM", "organizationId": admin.organization_id}
    response = api(superuser).post("/api/api-keys", sent)
    assert response.status_code == 400
    assert response.json()["details"][0]["field"] == "organizationId"
    assert not ApiKey.objects.exists()
