"""Publishing of hints to the processes that hold streams.

Hints go to the listeners of this process, such as the demo's, and to the channel ``CHANNEL`` of
the cache server, if ``CACHE_URL`` is one. Without either, live processes find changes themselves.
"""

from collections.abc import Callable
from typing import Final, NotRequired, TypedDict

import orjson
from django.core.cache import caches

#: The Pub/Sub channel, without the key prefix of the cache.
CHANNEL: Final = "live"


class Hint(TypedDict):
    """A change that streams may have to deliver. ``type`` is ``conversation``, ``typing`` …"""

    type: str
    organization: str
    #: ``None`` after the webchat was deleted.
    webchat: str | None
    conversation: str
    visitor: str
    lastSequence: int
    author: NotRequired[str]
    authorName: NotRequired[str]
    #: Of ``presence``: the representative, the seconds until it ends, and whether they type.
    userId: NotRequired[str]
    seconds: NotRequired[float]
    isTyping: NotRequired[bool]
    #: Of ``reply``: the reply, and the text that follows at the offset.
    replyId: NotRequired[str]
    offset: NotRequired[int]
    text: NotRequired[str]
    #: Of ``draft``, which is for staff only.
    draftId: NotRequired[str]
    draftState: NotRequired[str]


Listener = Callable[[Hint], None]

_listeners: Final[list[Listener]] = []


def add_listener(listener: Listener) -> None:
    """Call ``listener`` for every hint of this process, in the thread that publishes it."""
    _listeners.append(listener)


def remove_listener(listener: Listener) -> None:
    """Do not call ``listener`` any more."""
    if listener in _listeners:
        _listeners.remove(listener)


def publish(*hints: Hint) -> None:
    """Send the hints to all live processes, together.

    Never raise: the change is stored, and a lost hint only delays its delivery. The circuit breaker
    of the cache logs an outage once.
    """
    for listener in tuple(_listeners):
        for hint in hints:
            listener(hint)
    # Not every backend has the method.
    publish_to_server = getattr(caches["default"], "publish", None)
    if publish_to_server is not None and hints:
        publish_to_server(CHANNEL, *map(orjson.dumps, hints))
