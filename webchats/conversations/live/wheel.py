"""The heartbeats of all streams of a process, by one timer."""

import asyncio
from typing import Final

from webchats.conversations.live import streams

#: The groups of streams that get their heartbeats together, one group after the other. So the
#: heartbeats of 10,000 streams keep the event loop busy for milliseconds.
SLOTS: Final = 100


class HeartbeatWheel:
    """Calls ``beat`` of each stream every ``HEARTBEAT_SECONDS``."""

    def __init__(self) -> None:
        self._slots: list[set[streams.Stream]] = [set() for _ in range(SLOTS)]
        self._current = 0

    def add(self, stream: streams.Stream) -> None:
        """Let a stream beat from now on, for the first time after a whole period."""
        stream.slot = self._slots[self._current]
        stream.slot.add(stream)

    def remove(self, stream: streams.Stream) -> None:
        """Let a stream beat no more."""
        stream.slot.discard(stream)

    async def run(self) -> None:
        """Turn until the task is canceled."""
        while True:
            await asyncio.sleep(streams.HEARTBEAT_SECONDS / SLOTS)
            self._current = (self._current + 1) % SLOTS
            for stream in tuple(self._slots[self._current]):
                stream.beat()
