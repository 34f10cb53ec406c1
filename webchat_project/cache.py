"""The cache that all processes share."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import ConnectionError, Redis, RedisError, TimeoutError  # noqa: A004 - as in redis

from webchat_project.circuit_breaker import CircuitBreaker, CircuitOpen

_Result = TypeVar("_Result")

#: A refused connection, or no response within ``socket_timeout``.
breaker = CircuitBreaker("cache", ConnectionError, TimeoutError)


#: The clients of this process by server and options. Threads share their pools of connections.
_clients: Final[dict[tuple[str, str], Redis]] = {}


class _Client(RedisCacheClient):
    """Keeps the clients of the process.

    Django makes one for each call, which is most of its CPU time. It also makes a cache with a pool
    of its own for each context, so each query of an event loop would open a connection.
    """

    # Attributes of Django's class, which the stubs do not have.
    _servers: list[str]
    _pool_options: dict[str, object]
    _get_connection_pool_index: Callable[[bool], int]

    # Any: as in the stubs.
    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        index = self._get_connection_pool_index(write)
        known = (self._servers[index], repr(self._pool_options))
        if known not in _clients:
            # If two threads come here at once, one client is used once.
            _clients[known] = super().get_client(key, write=write)
        return _clients[known]


class ResilientRedisCache(RedisCache):
    """A Redis cache that is replaced by local memory while the server is unavailable.

    Then each process counts requests for throttling itself. ``/readyz`` fails.
    """

    def __init__(self, server: str, params: dict[str, object]) -> None:
        super().__init__(server, params)
        self._class = _Client
        # The default of 300 entries would let a client with more addresses evict counters.
        self._local = LocMemCache("unavailable", {"max_entries": 50_000})

    def is_available(self) -> bool:
        """Return whether the server responds to PING."""
        try:
            with breaker.call():
                self._cache.get_client().ping()
        except (RedisError, CircuitOpen):
            return False
        return True

    def publish(self, channel: str, *messages: bytes) -> bool:
        """Send messages to the subscribers of a channel. Return whether the server took them."""
        key = self.make_key(channel)
        try:
            with breaker.call():
                # One round trip.
                client = self._cache.get_client(None, write=True)
                pipeline = client.pipeline(transaction=False)
                for message in messages:
                    pipeline.publish(key, message)
                pipeline.execute()
        except (RedisError, CircuitOpen):
            return False
        return True

    def add(
        self,
        key: object,
        value: object,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return _call(super().add, self._local.add, key, value, timeout, version)

    def get(self, key: object, default: object = None, version: int | None = None) -> object:
        return _call(super().get, self._local.get, key, default, version)

    def set(
        self,
        key: object,
        value: object,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        _call(super().set, self._local.set, key, value, timeout, version)

    def delete(self, key: object, version: int | None = None) -> bool:
        return _call(super().delete, self._local.delete, key, version)

    def incr(self, key: object, delta: int = 1, version: int | None = None) -> int:
        return _call(super().incr, self._local.incr, key, delta, version)

    def count(self, key: str, former: str, timeout: float) -> tuple[int, int]:
        """Increment the counter ``key``, and return it and the counter ``former``.

        One round trip, in place of four. The counter is deleted after ``timeout`` seconds.
        """
        return self.count_each([(key, former, timeout)])[0]

    def count_each(self, counters: Sequence[tuple[str, str, float]]) -> list[tuple[int, int]]:
        """Do the same as ``count`` for each key, former key and timeout, in one round trip."""
        return _call(self._count_each, self._count_locally, counters)

    def _count_each(self, counters: Sequence[tuple[str, str, float]]) -> list[tuple[int, int]]:
        # Any: the commands of a pipeline return the pipeline, unlike those of a client.
        pipeline: Any = self._cache.get_client(None, write=True).pipeline(transaction=False)
        for key, _, timeout in counters:
            name = self.make_and_validate_key(key)
            pipeline.incr(name).expire(name, int(timeout))
        pipeline.mget([self.make_and_validate_key(former) for _, former, _ in counters])
        *results, formers = pipeline.execute()
        return [
            (number, int(before or 0)) for number, before in zip(results[::2], formers, strict=True)
        ]

    def _count_locally(self, counters: Sequence[tuple[str, str, float]]) -> list[tuple[int, int]]:
        counts = []
        for key, former, timeout in counters:
            self._local.add(key, 0, timeout)
            counts.append((self._local.incr(key), self._local.get(former, 0)))
        return counts

    def clear(self) -> None:
        _call(super().clear, self._local.clear)


def _call(
    method: Callable[..., _Result], local: Callable[..., _Result], *arguments: object
) -> _Result:
    """Call the method, or that of local memory while the server is unavailable."""
    try:
        with breaker.call():
            return method(*arguments)
    except (RedisError, CircuitOpen):
        return local(*arguments)
