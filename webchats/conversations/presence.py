"""Presence of representatives in the inbox, by heartbeats in the cache that all processes share.

An organization has one entry in the cache, so that a page reads it at once. Without a shared cache
each process has entries of its own.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from time import sleep
from typing import Final, NotRequired, TypedDict, cast

from django.core.cache import cache
from django.utils import timezone

from organizations.models import User
from webchats.conversations import events
from webchats.conversations.models import Author, Conversation

#: Seconds after the last heartbeat until a representative counts as offline.
EXPIRY_SECONDS: float = 40
#: Heartbeats that clients send in this time, so that a lost one does not end their presence.
HEARTBEATS: Final = 3
#: Seconds for which a representative counts as typing.
TYPING_SECONDS: Final = 6

#: Seconds for which the last turn is remembered. After them, turns start with the first user.
_TURN_SECONDS: Final = 86_400

#: Seconds between two writes of ``User.online_until``.
_STORE_SECONDS: Final = 30

#: A write takes milliseconds. The lock of a process that has died expires.
_LOCK_SECONDS: Final = 1
_LOCK_ATTEMPTS: Final = 200
_LOCK_PAUSE: Final = 0.005


class PresentRep(TypedDict):
    """A representative who is viewing a conversation."""

    userId: str
    name: str
    isTyping: bool


class OnlineRep(TypedDict):
    """A representative with an open inbox, and the conversations that they look at."""

    userId: str
    name: str
    isAway: bool
    conversationIds: list[str]


class Visit(TypedDict):
    """The times, in seconds since the epoch, at which looking and typing end."""

    until: float
    typing_until: float


class Rep(TypedDict):
    """A representative with an open inbox. ``visits`` are by conversation."""

    name: str
    is_away: bool
    until: float
    #: Until when the inbox counts as visible.
    visible_until: NotRequired[float]
    visits: dict[str, Visit]


@dataclass(frozen=True)
class Presence:
    """The representatives of an organization who are online, by user id."""

    reps: dict[str, Rep]
    #: Seconds since the epoch.
    now: float

    def in_conversation(self, conversation_id: str) -> list[PresentRep]:
        """Return the representatives who are viewing the conversation."""
        return [
            {"userId": user_id, "name": rep["name"], "isTyping": visit["typing_until"] > self.now}
            for user_id, rep in self.reps.items()
            if (visit := rep["visits"].get(conversation_id)) is not None
        ]

    def sees_inbox(self, user_id: str) -> bool:
        """Return whether the inbox of the user is visible on a screen, and not in a hidden tab."""
        return user_id in self.reps and self.reps[user_id].get("visible_until", 0) > self.now

    def online(self) -> list[OnlineRep]:
        """Return the representatives with an open inbox, by name."""
        online: list[OnlineRep] = [
            {
                "userId": user_id,
                "name": rep["name"],
                "isAway": rep["is_away"],
                "conversationIds": sorted(rep["visits"]),
            }
            for user_id, rep in self.reps.items()
        ]
        return sorted(online, key=lambda rep: (rep["name"], rep["userId"]))


def load_presence(organization_id: str) -> Presence:
    """Return the representatives of the organization who are online."""
    now = timezone.now().timestamp()
    # The cache contains the value that ``_change`` has stored.
    stored = cast("dict[str, Rep]", cache.get(_key(organization_id)) or {})
    return Presence({pk: _at(rep, now) for pk, rep in stored.items() if rep["until"] > now}, now)


def report_presence(
    *,
    organization_id: str,
    user: User,
    conversation: Conversation | None = None,
    is_typing: bool = False,
    is_visible: bool | None = True,
) -> None:
    """Record that ``user`` has the inbox open, and perhaps looks at a conversation and types.

    Clients repeat it ``HEARTBEATS`` times in ``EXPIRY_SECONDS``. Streams of staff get events.
    ``is_visible`` is ``False`` when the inbox has just been hidden, and ``None`` in a hidden tab,
    since another one may be visible.
    """
    with _change(organization_id) as presence:
        until = presence.now + EXPIRY_SECONDS
        former = presence.reps.get(user.pk)
        rep: Rep = {
            "name": user.public_name,
            "is_away": user.is_away,
            "until": until,
            "visible_until": former.get("visible_until", 0) if former else 0,
            "visits": former["visits"] if former else {},
        }
        if is_visible is not None:
            rep["visible_until"] = until if is_visible else 0
        presence.reps[user.pk] = rep
        if conversation is not None:
            typing_until = presence.now + TYPING_SECONDS if is_typing else 0
            rep["visits"][conversation.pk] = {"until": until, "typing_until": typing_until}
    if not user.is_away:
        _store_online(user)
    if conversation is not None:
        events.presence_changed(conversation, user, seconds=EXPIRY_SECONDS, is_typing=is_typing)


def report_absence(*, user: User, conversation: Conversation) -> None:
    """Record that ``user`` looks at the conversation no longer."""
    with _change(conversation.organization_id) as presence:
        if user.pk in presence.reps:
            presence.reps[user.pk]["visits"].pop(conversation.pk, None)
    events.presence_changed(conversation, user, seconds=0)


def set_away(*, organization_id: str, user: User, is_away: bool) -> None:
    """Store whether ``user`` takes no new conversations. They are online with it."""
    user.is_away = is_away
    if is_away:
        user.online_until = timezone.now()
    User.objects.filter(pk=user.pk).update(is_away=is_away, online_until=user.online_until)
    report_presence(organization_id=organization_id, user=user)


def show_typing(conversation: Conversation, user: User) -> None:
    """Show visitor and colleagues for some seconds that ``user`` is writing a reply."""
    report_presence(
        organization_id=conversation.organization_id,
        user=user,
        conversation=conversation,
        is_typing=True,
    )
    events.typing(conversation, Author.REP, user.public_name)


def take_turns(organization_id: str, user_ids: Collection[str], count: int = 1) -> list[str]:
    """Return those of ``user_ids``, which are not empty, whose turns are the next ``count``.

    The first one is the next one after the last turn, in the order of the ids. Of calls at the same
    time, each takes turns of its own. A turn whose transaction is rolled back is skipped.
    """
    key = f"{_key(organization_id)}:last-turn"
    ordered = sorted(user_ids)
    with _lock(organization_id):
        # The cache contains the value that is stored below.
        last = cast("str", cache.get(key, ""))
        start = bisect_right(ordered, last)
        chosen = list(islice(cycle(ordered), start, start + count))
        cache.set(key, chosen[-1], _TURN_SECONDS)
    return chosen


def _store_online(user: User) -> None:
    """Store until when the user counts as online, for the time after they have left.

    In the database, where workers find it without a cache server, and not with each heartbeat.
    """
    now = timezone.now()
    if user.online_until is None or user.online_until < now + timedelta(seconds=EXPIRY_SECONDS):
        user.online_until = now + timedelta(seconds=EXPIRY_SECONDS + _STORE_SECONDS)
        User.objects.filter(pk=user.pk).update(online_until=user.online_until)


@contextmanager
def _change(organization_id: str) -> Iterator[Presence]:
    """Yield the presence, and store it with its changes. One process at a time changes it."""
    with _lock(organization_id):
        presence = load_presence(organization_id)
        yield presence
        cache.set(_key(organization_id), presence.reps, EXPIRY_SECONDS)


@contextmanager
def _lock(organization_id: str) -> Iterator[None]:
    lock = f"{_key(organization_id)}:lock"
    for _ in range(_LOCK_ATTEMPTS):
        if cache.add(lock, True, _LOCK_SECONDS):
            break
        sleep(_LOCK_PAUSE)
    try:
        yield
    finally:
        cache.delete(lock)


def _at(rep: Rep, now: float) -> Rep:
    visits = {pk: visit for pk, visit in rep["visits"].items() if visit["until"] > now}
    return {**rep, "visits": visits}


def _key(organization_id: str) -> str:
    return f"presence:{organization_id}"
