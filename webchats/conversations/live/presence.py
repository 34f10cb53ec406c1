"""Who is present: representatives and visitors of conversations.

Presence covers the streams of this process, and heartbeats of representatives until they stop.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypedDict

from webchats.conversations.live.streams import encode_event


class Present(NamedTuple):
    """A representative, or the visitor of a conversation, for whom ``user_id`` is ``None``."""

    user_id: str | None
    #: Empty for a visitor.
    name: str
    #: The conversation that a representative looks at, or that the visitor is in.
    conversation_id: str | None


class PresenceDocument(TypedDict):
    """The data of a ``presence`` event."""

    userId: str | None
    name: str
    conversationId: str | None
    isOnline: bool


class Presence:
    """The number of streams and heartbeats of each person who is present, by organization.

    ``push`` is called with an organization and an event when a person comes or leaves.
    """

    def __init__(self, push: Callable[[str, bytes], None]) -> None:
        self._push = push
        self._counts: dict[str, Counter[Present]] = {}

    def enter(self, organization_id: str, present: Present) -> None:
        """Count a stream that was opened."""
        counts = self._counts.setdefault(organization_id, Counter())
        counts[present] += 1
        if counts[present] == 1:
            self._push(organization_id, _encode(present, is_online=True))

    def leave(self, organization_id: str, present: Present) -> None:
        """Remove a stream that ended."""
        counts = self._counts[organization_id]
        counts[present] -= 1
        if not counts[present]:
            del counts[present]
            self._push(organization_id, _encode(present, is_online=False))
        if not counts:
            del self._counts[organization_id]

    def events(self, organization_id: str) -> list[bytes]:
        """Return an event for each person who is present."""
        counts = self._counts.get(organization_id, ())
        return [_encode(present, is_online=True) for present in counts]


class Heartbeats:
    """The representatives whose clients send heartbeats. Each is present until they stop."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._timers: dict[tuple[str, Present], asyncio.TimerHandle] = {}

    def receive(self, organization_id: str, present: Present, seconds: float) -> None:
        """Count the representative for ``seconds`` from now; with 0, no longer."""
        key = (organization_id, present)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if seconds > 0:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(seconds, self.receive, *key, 0)
            if timer is None:
                self._presence.enter(organization_id, present)
        elif timer is not None:
            self._presence.leave(organization_id, present)


def _encode(present: Present, *, is_online: bool) -> bytes:
    document: PresenceDocument = {
        "userId": present.user_id,
        "name": present.name,
        "conversationId": present.conversation_id,
        "isOnline": is_online,
    }
    return encode_event("presence", document)
