"""The cache that all processes share."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")


class ResilientRedisCache(RedisCache):
    """A Redis cache that is empty while the server is unavailable.

    Requests continue without throttling. Errors are logged, and ``/readyz`` fails.
    """

    def is_available(self) -> bool:
        with _logged_errors() as errors:
            self._cache.get_client().ping()
        return not errors

    def add(
        self,
        key: object,
        value: object,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return _call(True, super().add, key, value, timeout, version)

    def get(self, key: object, default: object = None, version: int | None = None) -> Any:
        return _call(default, super().get, key, default, version)

    def set(
        self,
        key: object,
        value: object,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        _call(None, super().set, key, value, timeout, version)

    def delete(self, key: object, version: int | None = None) -> bool:
        return _call(False, super().delete, key, version)

    def incr(self, key: object, delta: int = 1, version: int | None = None) -> int:
        return _call(delta, super().incr, key, delta, version)


def _call(default: _Result, method: Callable[..., _Result], *arguments: object) -> _Result:
    """Call the method, and return the default if the server is unavailable."""
    with _logged_errors():
        return method(*arguments)
    return default


@contextmanager
def _logged_errors() -> Iterator[list[RedisError]]:
    errors: list[RedisError] = []
    try:
        yield errors
    except RedisError as error:
        logger.error("The shared cache is unavailable: %s", error)
        errors.append(error)
