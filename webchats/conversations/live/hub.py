"""The open streams of this process, and the delivery of changes to them."""

import asyncio
import logging
from collections import Counter
from datetime import datetime
from time import monotonic
from typing import Final

from django.db import Error

from organizations.jobs.batches import Batches
from webchats.conversations.live.organizations import OrganizationChannel, OrganizationStream
from webchats.conversations.live.presence import Heartbeats, Presence, Present
from webchats.conversations.live.publishing import Hint
from webchats.conversations.live.streams import EndReason, Stream, encode_event
from webchats.conversations.live.updates import VisitorKey, load_updates
from webchats.conversations.live.visitor_checks import check_visitors
from webchats.conversations.live.visitors import VisitorChannel, VisitorStream
from webchats.conversations.live.webchats import OpenWebchats, Terms
from webchats.conversations.live.wheel import HeartbeatWheel
from webchats.conversations.models import Author

logger = logging.getLogger("live")

#: At shutdown this many streams are ended at a time, with this pause in between.
_ENDED_AT_ONCE: Final = 20
_PAUSE_SECONDS: Final = 0.1
#: Seconds in which clients take the last event.
_LAST_SECONDS: Final = 1


class Hub:
    """The streams by their owner. Used on one event loop, and so without locks."""

    def __init__(self) -> None:
        self.visitors: dict[VisitorKey, VisitorChannel] = {}
        self.organizations: dict[str, OrganizationChannel] = {}
        self.streams_by_address: Counter[str] = Counter()
        self.streams_by_user: Counter[str] = Counter()
        self.presence = Presence(self._push_to_organization)
        self.checks = Batches(check_visitors)
        self.updates = Batches(load_updates)
        self.heartbeats = Heartbeats(self.presence)
        self.webchats = OpenWebchats()
        self.wheel = HeartbeatWheel()
        #: Whether the database could not be read, so that positions must be compared again.
        self.has_failed = False
        #: Whether no new streams are accepted.
        self.is_closing = False

    # --- Streams ---

    def add_visitor(self, stream: VisitorStream, terms: Terms) -> None:
        """Register the stream of a visitor, whose session was checked with ``terms``."""
        new = VisitorChannel(stream.key, self.updates, self.report_failure)
        stream.channel = self.visitors.setdefault(stream.key, new)
        stream.channel.streams.add(stream)
        stream.presence = self.presence
        self.streams_by_address[stream.address] += 1
        self.webchats.add(stream.session, terms)
        self.wheel.add(stream)

    def add_organization(self, stream: OrganizationStream, versions: dict[str, datetime]) -> None:
        """Register the stream of a user or an API key. ``versions`` are those of a new channel."""
        new = OrganizationChannel(stream.organization_id, versions, self.report_failure)
        channel = self.organizations.setdefault(stream.organization_id, new)
        stream.presence = self.presence
        self.streams_by_user[stream.credential.user.pk] += 1
        if stream.present is not None:
            # Before the stream is added, which gets this event by ``replay``.
            self.presence.enter(stream.organization_id, stream.present)
        channel.streams.add(stream)
        self.wheel.add(stream)

    def remove(self, stream: Stream) -> None:
        """Remove a stream that has ended."""
        self.wheel.remove(stream)
        if isinstance(stream, VisitorStream):
            channel = stream.channel
            channel.streams.discard(stream)
            if not channel.streams:
                del self.visitors[stream.key]
            _decrement(self.streams_by_address, stream.address)
            self.webchats.remove(stream.key.webchat_id)
            stream.set_absent()
        elif isinstance(stream, OrganizationStream):
            streams = self.organizations[stream.organization_id].streams
            streams.discard(stream)
            if not streams:
                del self.organizations[stream.organization_id]
            _decrement(self.streams_by_user, stream.credential.user.pk)
            if stream.present is not None:
                self.presence.leave(stream.organization_id, stream.present)

    def count_of_visitor(self, key: VisitorKey) -> int:
        """Return the number of open streams of a visitor."""
        channel = self.visitors.get(key)
        return len(channel.streams) if channel else 0

    def visitor_streams(self) -> list[VisitorStream]:
        """Return the open streams of visitors."""
        return [stream for channel in self.visitors.values() for stream in channel.streams]

    def organization_streams(self) -> list[OrganizationStream]:
        """Return the open streams of staff."""
        return [stream for channel in self.organizations.values() for stream in channel.streams]

    # --- Changes ---

    def receive(self, hint: Hint) -> None:
        """Wake or push to the streams that a hint concerns. An unknown type is ignored."""
        channel = self.visitors.get(VisitorKey(hint["webchat"] or "", hint["visitor"]))
        organization = self.organizations.get(hint["organization"])
        if hint["type"] == "conversation":
            if channel is not None:
                channel.wake()
            if organization is not None:
                organization.wake(hint["conversation"])
        elif hint["type"] == "erased":
            _end_streams(channel)
        elif hint["type"] == "reply":
            _push_reply(hint, channel)
        elif hint["type"] == "draft":
            # Staff only: no stream of a visitor may get anything of a draft.
            _push_draft(hint, organization)
        elif hint["type"] == "typing":
            _push_typing(hint, channel, organization)
        elif hint["type"] == "presence":
            self._receive_presence(hint)

    def _receive_presence(self, hint: Hint) -> None:
        user_id, name = hint.get("userId"), hint.get("authorName", "")
        present = Present(user_id, name, hint["conversation"])
        self.heartbeats.receive(hint["organization"], present, hint.get("seconds", 0))
        if hint.get("isTyping"):
            data = {
                "author": Author.REP.value,
                "authorName": name,
                "userId": user_id,
                "conversationId": hint["conversation"],
            }
            self._push_to_organization(hint["organization"], encode_event("typing", data))

    def report_failure(self, error: Error) -> None:
        """Log that the database cannot be read, once per outage."""
        if not self.has_failed:
            logger.error("Conversations cannot be read, and streams wait: %s", error)
        self.has_failed = True

    def report_success(self) -> None:
        """Log the end of an outage."""
        if self.has_failed:
            logger.warning("Conversations can be read again.")
        self.has_failed = False

    def _push_to_organization(self, organization_id: str, event: bytes) -> None:
        channel = self.organizations.get(organization_id)
        if channel is not None:
            channel.push(event)

    # --- Shutdown ---

    async def close(self, *, within: float) -> None:
        """Accept no more streams, and end all, spread over at most ``within`` seconds.

        Otherwise all clients would reconnect at the same moment.
        """
        if self.is_closing:
            return
        self.is_closing = True
        streams: list[Stream] = [*self.visitor_streams(), *self.organization_streams()]
        pause = min(_PAUSE_SECONDS, within / max(1, len(streams) / _ENDED_AT_ONCE))
        for number, stream in enumerate(streams, start=1):
            stream.end(EndReason.SHUTDOWN)
            if number % _ENDED_AT_ONCE == 0:
                await asyncio.sleep(pause)
        deadline = monotonic() + _LAST_SECONDS
        while (self.visitors or self.organizations) and monotonic() < deadline:
            await asyncio.sleep(0.02)


def _end_streams(channel: VisitorChannel | None) -> None:
    """End the streams of a visitor of whom nothing is left."""
    for stream in tuple(channel.streams) if channel is not None else ():
        stream.end(EndReason.SESSION_EXPIRED)


def _push_reply(hint: Hint, channel: VisitorChannel | None) -> None:
    if channel is not None and "replyId" in hint:
        channel.push_reply(hint["replyId"], hint.get("offset", 0), hint.get("text", ""))


def _push_draft(hint: Hint, organization: OrganizationChannel | None) -> None:
    if organization is not None:
        draft = {"draftId": hint.get("draftId"), "state": hint.get("draftState")}
        organization.push(encode_event("draft", {"conversationId": hint["conversation"], **draft}))


def _push_typing(
    hint: Hint, channel: VisitorChannel | None, organization: OrganizationChannel | None
) -> None:
    """Push the typing of a visitor to staff, and of a representative to the visitor.

    Staff see colleagues by their presence.
    """
    data = {"author": hint.get("author"), "authorName": hint.get("authorName")}
    if data["author"] != Author.VISITOR:
        if channel is not None:
            channel.push(encode_event("typing", data))
    elif organization is not None:
        data = {**data, "userId": None, "conversationId": hint["conversation"]}
        organization.push(encode_event("typing", data))


def _decrement(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
