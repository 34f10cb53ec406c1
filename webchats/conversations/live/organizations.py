"""Streams of staff, and the channel that the streams of one organization share."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import Error
from django.utils import timezone

from organizations.jobs.database import run_query
from webchats.conversations.api.serializers import ConversationSerializer
from webchats.conversations.live.credentials import StaffCredential
from webchats.conversations.live.presence import Presence, Present
from webchats.conversations.live.streams import Stream, encode_event
from webchats.conversations.models import Conversation

#: The least seconds between two reads of changed conversations, and between two parts of a stream.
#: Each page of the inbox gets the events in between at once.
JOIN_SECONDS: Final = 0.25
#: Conversations that are read at a time.
_MAX_READ: Final = 100
#: How far back changes are searched. A transaction may commit some time after the time that it
#: stores.
OVERLAP: Final = timedelta(seconds=60)


def load_events(conversation_ids: Collection[str]) -> dict[str, tuple[datetime, bytes]]:
    """Return time of the update and ``conversation`` event by conversation."""
    rows = Conversation.objects.select_related("contact").filter(pk__in=list(conversation_ids))
    return {
        row.pk: (row.updated_at, encode_event("conversation", ConversationSerializer(row).data))
        for row in rows
    }


def load_changes(
    organization_ids: Collection[str], since: datetime
) -> list[tuple[str, str, datetime]]:
    """Return organization, id and time of the update of conversations changed after ``since``."""
    rows = Conversation.objects.filter(
        organization__in=list(organization_ids), updated_at__gte=since
    )
    return list(rows.order_by().values_list("organization_id", "pk", "updated_at"))


def load_versions(organization_id: str) -> dict[str, datetime]:
    """Return the time of the update of each conversation that a comparison would find changed."""
    since = timezone.now() - OVERLAP
    return {pk: updated_at for _, pk, updated_at in load_changes([organization_id], since)}


class OrganizationStream(Stream):
    """The stream of a user or an API key. It starts with the people who are present."""

    __slots__ = ("credential", "organization_id", "presence", "present")

    kind = "organization"
    interval = JOIN_SECONDS
    #: A hundred visitors may come in one interval. All streams share the bytes of an event.
    max_waiting = 1_000
    #: Set by the hub.
    presence: Presence

    def __init__(
        self, credential: StaffCredential, organization_id: str, conversation_id: str | None
    ) -> None:
        super().__init__()
        self.credential = credential
        self.organization_id = organization_id
        #: ``None`` for a machine.
        self.present: Present | None = None
        if not credential.is_api_key:
            user = credential.user
            self.present = Present(user.pk, user.public_name, conversation_id)

    async def replay(self) -> AsyncGenerator[bytes]:
        """Yield one ``presence`` event for each person who is present."""
        if events := self.presence.events(self.organization_id):
            yield b"".join(events)


class OrganizationChannel:
    """The open streams of one organization. Each changed row is read once for all of them."""

    def __init__(
        self,
        organization_id: str,
        versions: dict[str, datetime],
        on_failure: Callable[[Error], None],
    ) -> None:
        self.organization_id = organization_id
        self.streams: set[OrganizationStream] = set()
        #: The time of the update that was pushed last, or was stored before the channel, by
        #: conversation. Clients read their lists after their stream has begun.
        self.versions = versions
        self._on_failure = on_failure
        #: In the order in which they are read.
        self._changed: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    def wake(self, conversation_id: str) -> None:
        """Read the conversation and push it, soon and together with others that change."""
        self._changed[conversation_id] = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._update())

    def push(self, event: bytes) -> None:
        """Push an event to all streams."""
        for stream in tuple(self.streams):
            stream.push(event)

    def prune(self, before: datetime) -> None:
        """Remove versions that are too old to be compared."""
        self.versions = {pk: time for pk, time in self.versions.items() if time >= before}

    async def _update(self) -> None:
        try:
            while self._changed and self.streams:
                changed = tuple(islice(self._changed, _MAX_READ))
                for pk in changed:
                    del self._changed[pk]
                for pk, (time, event) in (await run_query(load_events, changed)).items():
                    self.versions[pk] = time
                    self.push(event)
                await asyncio.sleep(JOIN_SECONDS)
        except Error as error:
            # The next comparison finds the conversations again.
            self._on_failure(error)
        finally:
            self._task = None
