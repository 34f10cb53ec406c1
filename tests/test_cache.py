"""The service without its shared cache: requests work, and errors are logged."""

from typing import Any

import pytest
from django.core.cache import cache, caches
from django.test import Client
from pytest_django import Settings

from organizations.models import User
from tests.support import factories
from webchat_project.cache import ResilientRedisCache

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unavailable_cache(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "webchat_project.cache.ResilientRedisCache",
            # No server listens on this port.
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert isinstance(caches["default"], ResilientRedisCache)


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Override the fixture that empties the cache, which is unavailable."""


def test_api_works_without_the_shared_cache(
    api: Any, admin: User, caplog: pytest.LogCaptureFixture
) -> None:
    factories.WebchatFactory.create_batch(2, user=admin)
    client = api(admin)
    assert client.get("/api/webchats?limit=1").json()["pagination"]["total"] == 2
    assert client.post("/api/prompts", {"name": "A", "instructions": "B"}).status_code == 201
    assert "The shared cache is unavailable" in caplog.text


def test_login_works_without_the_shared_cache() -> None:
    user = factories.UserFactory.create(password="right-password")
    body = {"email": user.email, "password": "right-password"}
    responses = [Client().post("/api/auth/login", body, "application/json") for _ in range(12)]
    assert {response.status_code for response in responses} == {200}


def test_readyz_reports_an_unavailable_cache() -> None:
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["cache"] == "failed"
    assert response.json()["checks"]["database"] == "ok"


def test_unavailable_cache_behaves_like_an_empty_one() -> None:
    assert cache.add("a", 1) is True
    cache.set("a", 1)
    assert cache.get("a", "none") == "none"
    assert cache.get_or_set("a", lambda: 7) == 7
    assert cache.incr("a", 3) == 3
    assert cache.delete("a") is False
