"""The service without its shared cache: requests work, limits are counted per process."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.test import Client
from pytest_django import Settings

from organizations.models import User
from tests.support import factories
from webchat_project.cache import ResilientRedisCache, breaker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unavailable_cache(settings: Settings) -> Iterator[None]:
    settings.CACHES = {
        "default": {
            "BACKEND": "webchat_project.cache.ResilientRedisCache",
            # No server listens on this port.
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert isinstance(caches["default"], ResilientRedisCache)
    yield
    cache.clear()
    breaker.reset()


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
    assert "The dependency 'cache' does not respond" in caplog.text


def test_limits_are_counted_per_process_without_the_shared_cache() -> None:
    user = factories.UserFactory.create(password="right-password")
    body = {"email": user.email, "password": "right-password"}
    responses = [Client().post("/api/auth/login", body, "application/json") for _ in range(12)]
    assert [response.status_code for response in responses] == [200] * 10 + [429] * 2


def test_readyz_reports_an_unavailable_cache() -> None:
    for _ in range(2):
        response = Client().get("/readyz")
        assert response.status_code == 503
        assert response.json()["checks"]["cache"] == "failed"
        assert response.json()["checks"]["database"] == "ok"


def test_local_memory_replaces_an_unavailable_cache() -> None:
    assert cache.add("a", 1) is True
    assert cache.add("a", 2) is False
    cache.set("b", "text")
    assert cache.get("b", "none") == "text"
    assert cache.get_or_set("c", lambda: 7) == 7
    assert (cache.incr("a", 3), cache.decr("a")) == (4, 3)
    with pytest.raises(ValueError, match="not found"):
        cache.incr("d")
    assert (cache.delete("a"), cache.delete("a")) == (True, False)
