"""Hints that wake workers after a commit.

Hints go to the listeners of this process, such as the demo's worker, and to the channel ``CHANNEL``
of the cache server, if ``CACHE_URL`` is one. Workers also poll, so a lost hint only delays a job.
"""

from collections.abc import Callable
from typing import Final

from django.core.cache import caches

#: The Pub/Sub channel, without the key prefix of the cache.
CHANNEL: Final = "jobs"

Listener = Callable[[], None]

_listeners: Final[list[Listener]] = []


def add_listener(listener: Listener) -> None:
    """Call ``listener`` for every hint of this process, in the thread that sends it."""
    _listeners.append(listener)


def remove_listener(listener: Listener) -> None:
    """Do not call ``listener`` any more."""
    if listener in _listeners:
        _listeners.remove(listener)


def wake_workers() -> None:
    """Send a hint to all workers. Never raise: the job is stored."""
    for listener in tuple(_listeners):
        listener()
    # Not every backend has the method.
    publish_to_server = getattr(caches["default"], "publish", None)
    if publish_to_server is not None:
        publish_to_server(CHANNEL, b"")
