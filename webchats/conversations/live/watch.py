"""The tasks that find changes without a hint, ended sessions and revoked credentials."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Final, TypeVar

from django.db import Error
from django.utils import timezone

from organizations.jobs.database import run_query
from webchats.conversations.live.comparisons import (
    COMPARED,
    count_conversations,
    load_changed,
    load_replies,
    load_versions,
)
from webchats.conversations.live.hub import Hub
from webchats.conversations.live.organizations import OVERLAP, load_changes
from webchats.conversations.live.streams import EndReason
from webchats.conversations.live.updates import VisitorKey
from webchats.conversations.live.webchats import NEVER, Terms, end_of_session, load_terms

logger = logging.getLogger("live")

_Item = TypeVar("_Item")

#: Seconds between two comparisons of all streams with the database, in case a hint was lost.
RECONCILE_SECONDS: Final = 25
#: The same while no hints arrive, such as without a cache server.
COMPARE_SECONDS: Final = 1
#: Seconds between two comparisons that read all versions, in case the clocks of machines differ, so
#: that a change seems older than it is.
COMPARE_ALL_SECONDS: Final = 200
#: Seconds between two checks of the webchats of open streams.
WEBCHATS_SECONDS: Final = 4
#: Seconds between two checks of the credentials of staff.
CREDENTIALS_SECONDS: Final = 25


class Watch:
    """Compares and checks the streams of a hub, regularly and on request."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        #: Whether hints of other processes arrive. If not, streams are compared every second.
        self.has_hints = False
        self._tasks: list[asyncio.Task[None]] = []
        self._requested = asyncio.Event()
        self._compared_at = monotonic()
        #: The last comparison found all changes before.
        self._read_until = timezone.now()
        self._compared_all_at = monotonic()

    def start(self) -> None:
        """Start the tasks on the running event loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._compare_regularly()),
            loop.create_task(_repeat(self.check_webchats, WEBCHATS_SECONDS)),
            loop.create_task(_repeat(self.check_credentials, CREDENTIALS_SECONDS)),
        ]

    def stop(self) -> None:
        """Stop the tasks."""
        for task in self._tasks:
            task.cancel()

    def request_comparison(self) -> None:
        """Compare soon. Calls before that comparison starts have no further effect."""
        self._requested.set()

    async def _compare_regularly(self) -> None:
        while True:
            try:
                async with asyncio.timeout(COMPARE_SECONDS):
                    await self._requested.wait()
            except TimeoutError:
                is_reliable = self.has_hints and not self._hub.has_failed
                if is_reliable and monotonic() - self._compared_at < RECONCILE_SECONDS:
                    continue
            self._requested.clear()
            self._compared_at = monotonic()
            await _run(self.compare)

    async def compare(self) -> None:
        """Compare the streams with the database, and wake those that are outdated."""
        now = timezone.now()
        try:
            await self._compare_visitors(self._read_until - OVERLAP)
            await self._compare_organizations()
        except Error as error:
            self._hub.report_failure(error)
        else:
            self._read_until = now
            self._hub.report_success()

    async def _compare_visitors(self, since: datetime) -> None:
        """Wake the streams of visitors whose conversations have changed, or could not be read.

        While little changes, the cost hardly grows with the number of streams.
        """
        channels = self._hub.visitors
        changed = await self._load_changed(since)
        if monotonic() - self._compared_all_at > COMPARE_ALL_SECONDS:
            self._compared_all_at = monotonic()
            changed = tuple(channels)
        for keys in _batches(changed):
            await self._compare_versions(keys)
        for channel in [channel for channel in channels.values() if channel.has_failed]:
            channel.wake()
        known = [(key, one.version) for key, one in channels.items() if one.version is not None]
        for batch in _batches(known):
            ids = [version.conversation_id for _, version in batch]
            if await run_query(count_conversations, ids) < len(ids):  # some were deleted
                await self._compare_versions([key for key, _ in batch])

    async def _load_changed(self, since: datetime) -> Collection[VisitorKey]:
        """Return the visitors whose streams may not know what changed after ``since``."""
        channels, changed = self._hub.visitors, set[VisitorKey]()
        limit = max(COMPARED, len(channels))
        for ids in _batches(self._hub.webchats.organization_ids()):
            rows = await run_query(load_changed, ids, since, limit)
            if len(rows) == limit:
                # To compare all streams is less work.
                changed.update(channels)
            for key, version in rows:
                channel = channels.get(key)
                if channel is not None and channel.version != version:
                    changed.add(key)
            for key, reply in (await run_query(load_replies, ids)).items():
                channel = channels.get(key)
                if channel is not None:
                    channel.push_reply(reply["replyId"], 0, reply["text"])
        return changed

    async def _compare_versions(self, keys: Sequence[VisitorKey]) -> None:
        versions = await run_query(load_versions, keys)
        erased = []
        for key in keys:
            channel, version = self._hub.visitors.get(key), versions.get(key)
            if channel is None or channel.version == version:
                continue
            if version is None:
                erased.append(channel)
            else:
                channel.wake()
        if erased:
            # A deleted webchat is another reason.
            await self.check_webchats()
            for stream in [stream for channel in erased for stream in channel.streams]:
                stream.end(EndReason.SESSION_EXPIRED)

    async def _compare_organizations(self) -> None:
        if not self._hub.organizations:
            return
        since = timezone.now() - OVERLAP
        changes = await run_query(load_changes, tuple(self._hub.organizations), since)
        for organization_id, conversation_id, updated_at in changes:
            channel = self._hub.organizations.get(organization_id)
            if channel is not None and channel.versions.get(conversation_id) != updated_at:
                channel.wake(conversation_id)
        for channel in self._hub.organizations.values():
            channel.prune(since)

    async def check_webchats(self) -> None:
        """End the streams whose sessions have ended, because of their webchat or their age.

        While nothing has changed, the cost does not grow with the streams of a webchat.
        """
        webchats, terms = self._hub.webchats, dict[str, Terms | None]()
        try:
            for batch in _batches(webchats.ids()):
                terms |= dict.fromkeys(batch) | await run_query(load_terms, batch)
        except Error as error:
            self._hub.report_failure(error)
            return
        changed, now = webchats.update(terms), timezone.now()
        if not changed and webchats.first_expiry > now:
            return
        webchats.first_expiry = NEVER
        for stream in self._hub.visitor_streams():
            webchat_id, session = stream.key.webchat_id, stream.session
            if webchat_id in changed or session.expires_at <= now:
                reason = end_of_session(terms.get(webchat_id), session)
                if reason is not None:
                    stream.end(reason)
                    continue
            webchats.first_expiry = min(webchats.first_expiry, session.expires_at)

    async def check_credentials(self) -> None:
        """End the streams of staff whose credentials or roles have ended."""
        for stream in self._hub.organization_streams():
            try:
                is_valid = await run_query(stream.credential.is_valid)
            except Error as error:
                self._hub.report_failure(error)
                return
            if not is_valid:
                stream.end(EndReason.SESSION_EXPIRED)


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yield the items, as many at a time as one query compares."""
    rest = iter(tuple(items))
    while batch := list(islice(rest, COMPARED)):
        yield batch


async def _repeat(function: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await _run(function)


async def _run(function: Callable[[], Awaitable[None]]) -> None:
    """Call the function. An error is logged, so that the next call comes nevertheless."""
    try:
        await function()
    except Exception:
        logger.exception("Streams cannot be compared or checked")
