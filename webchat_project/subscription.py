"""Subscriptions to the hints of other processes, by Pub/Sub of the cache server."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

#: Seconds without a message after which the server must respond to a PING. A connection can be
#: half-open: the server has ended it, but no packet about that arrived.
PING_SECONDS: Final = 5
#: Seconds without any message, also not a PONG, after which the connection is replaced.
SILENCE_SECONDS: Final = 12
_CONNECT_SECONDS: Final = 2
_RETRY_SECONDS: Final = 1


def has_server() -> bool:
    """Return whether the cache is a server that publishes hints."""
    return hasattr(caches["default"], "publish")


class Subscription:
    """Receives the hints of a channel until it is canceled. It reconnects by itself.

    ``channel`` is named without the key prefix of the cache. ``on_hint`` is called with each hint,
    and raises ``ValueError`` or ``KeyError`` if it cannot read it. ``on_change`` is called with
    whether hints arrive from now on.
    """

    def __init__(
        self, channel: str, on_hint: Callable[[bytes], None], on_change: Callable[[bool], None]
    ) -> None:
        self._channel = channel
        self._on_hint = on_hint
        self._on_change = on_change
        self._is_connected = False
        self._failed = False

    async def run(self) -> None:
        """Connect, receive, and connect again after an error."""
        location = settings.CACHES["default"]["LOCATION"]
        url = location[0] if isinstance(location, list) else location.split(",")[0]
        while True:
            client = Redis.from_url(url, socket_connect_timeout=_CONNECT_SECONDS)
            try:
                async with client.pubsub() as pubsub:
                    await self._receive(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                if not self._failed:
                    logger.error("Hints cannot be received from the cache server: %s", error)
                self._failed = True
            finally:
                self._set_connected(False)
                await client.aclose()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _receive(self, pubsub: PubSub) -> None:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await pubsub.subscribe(caches["default"].make_key(self._channel))
        heard_at = monotonic()
        while True:
            message = await pubsub.get_message(timeout=PING_SECONDS)
            if message is not None:
                heard_at = monotonic()
                self._handle(message)
            elif monotonic() - heard_at > SILENCE_SECONDS:
                raise TimeoutError(f"no response for {SILENCE_SECONDS} seconds")
            else:
                await pubsub.ping()

    def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._set_connected(True)
        elif message["type"] == "message":
            try:
                self._on_hint(message["data"])
            except (ValueError, KeyError) as error:
                # Such as of another version of the service. The database has the change.
                logger.warning("A hint cannot be read: %r", error)

    def _set_connected(self, is_connected: bool) -> None:
        if is_connected and self._failed:
            logger.warning("Hints are received again.")
            self._failed = False
        if is_connected != self._is_connected:
            self._is_connected = is_connected
            self._on_change(is_connected)
