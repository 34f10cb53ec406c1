"""The cache that all processes share, and what becomes of a request while it does not answer."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

logger = logging.getLogger(__name__)


class SharedCache(RedisCache):
    """Redis, or a server that speaks as it does. One that does not answer has nothing and keeps
    nothing: requests go on, and nothing is limited meanwhile. The log and ``/readyz`` tell."""

    def answers(self) -> bool:
        """Whether the server is there."""
        with _telling() as told:
            self._cache.get_client().ping()
        return not told

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return bool(_or(True, super().add, key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _or(default, super().get, key, default, version)

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        _or(None, super().set, key, value, timeout, version)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(_or(False, super().delete, key, version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """The sum; while the server does not answer, as if nothing had been counted before."""
        return int(_or(delta, super().incr, key, delta, version))


def _or(instead: Any, method: Callable[..., Any], *arguments: Any) -> Any:
    with _telling():
        return method(*arguments)
    return instead


@contextmanager
def _telling() -> Iterator[list[RedisError]]:
    told: list[RedisError] = []
    try:
        yield told
    except RedisError as error:
        logger.error("The shared cache does not answer: %s", error)
        told.append(error)
