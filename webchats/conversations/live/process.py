"""The start and the end of a process that holds streams."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import orjson
from django.conf import settings

from webchat_project.subscription import Subscription, has_server
from webchats.conversations.live.commits import CommitWatcher, sqlite_path
from webchats.conversations.live.hub import Hub
from webchats.conversations.live.publishing import CHANNEL, Hint, add_listener, remove_listener
from webchats.conversations.live.requests import Receive, Send
from webchats.conversations.live.watch import Watch

#: Seconds after the cache server is reached again, in which processes may still not publish: their
#: circuit breakers are open for up to five seconds.
_SETTLE_SECONDS: Final = 10


class LiveProcess:
    """A hub with its sources of hints, on the event loop that is running at ``start``."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.watch = Watch(hub)
        self._loop: asyncio.AbstractEventLoop
        self._commits: CommitWatcher | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to receive hints and to look for changes."""
        self._loop = asyncio.get_running_loop()
        self._tasks.append(self._loop.create_task(self.hub.wheel.run()))
        self.watch.start()
        add_listener(self._receive)
        path = sqlite_path()
        if has_server():
            subscription = Subscription(CHANNEL, self._receive_message, self._set_connected)
            self._tasks.append(self._loop.create_task(subscription.run()))
        if path is not None:
            self._commits = CommitWatcher(path, self._compare)
            self._commits.start()
            self.watch.has_hints = True

    async def stop(self) -> None:
        """End the streams, and stop the tasks of ``start``."""
        remove_listener(self._receive)
        await self.hub.close(within=settings.LIVE_SHUTDOWN_SECONDS)
        self.watch.stop()
        if self._commits is not None:
            # A read of the file may wait for a lock.
            await asyncio.to_thread(self._commits.stop)
        for task in self._tasks:
            task.cancel()

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Serve the lifespan protocol of ASGI."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                _call_before_exit(self._close)
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _close(self) -> None:
        closing = self.hub.close(within=settings.LIVE_SHUTDOWN_SECONDS)
        asyncio.run_coroutine_threadsafe(closing, self._loop)

    def _receive(self, hint: Hint) -> None:
        """Pass a hint from the thread that published it to the event loop."""
        self._loop.call_soon_threadsafe(self.hub.receive, hint)

    def _receive_message(self, message: bytes) -> None:
        self.hub.receive(orjson.loads(message))

    def _compare(self) -> None:
        self._loop.call_soon_threadsafe(self.watch.request_comparison)

    def _set_connected(self, is_connected: bool) -> None:
        self.watch.has_hints = False
        # Hints were lost in the meantime.
        self.watch.request_comparison()
        if is_connected:
            self._loop.call_later(_SETTLE_SECONDS, self._settle)

    def _settle(self) -> None:
        self.watch.has_hints = True


def _call_before_exit(function: Callable[[], None]) -> None:
    """Call ``function`` at SIGTERM and SIGINT, before the handlers of the server.

    While a stream is open, granian sends neither ``http.disconnect`` nor ``lifespan.shutdown``,
    and does not stop.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        former: Any = signal.getsignal(number)

        def handle(received: int, frame: FrameType | None, former: Any = former) -> None:
            function()
            if callable(former):
                former(received, frame)

        signal.signal(number, handle)
