"""The thread of a conversation: messages, events and notes, in order and grouped by day."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Final

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from organizations.models import User
from organizations.tenancy.large_responses import Bytes
from webchats.conversations.inbox.rejected_drafts import load_rejected
from webchats.conversations.message_pages import load_page
from webchats.conversations.models import (
    Author,
    Conversation,
    Draft,
    DraftState,
    Message,
    MessageKind,
    Note,
    Reply,
)
from webchats.conversations.word_diff import PAGE_BUDGET, Budget, DiffPart, diff_words

#: Messages on a page of a thread.
PAGE_SIZE: Final = 100
#: The bytes of a message, with the changes of a representative.
_BYTES: Final = (
    Bytes("text")
    + Coalesce(Bytes("reply__draft__text"), 0)
    + Coalesce(Bytes("reply__draft__sent_text"), 0)
)
#: More do not fit in the menu.
_MAX_COLLEAGUES: Final = 100
#: Entries of one author within this time have one head.
_GROUP_WITHIN: Final = timedelta(minutes=5)

#: Events by name, with the author's name as the subject.
_EVENT_TEXTS: Final = {
    "closed": "{} closed the conversation",
    "joined": "{} joined",
    "handed_over": "Handed over to the team",
    "returned": "{} gave the conversation back to automatic answers",
}
#: Events without an author.
_ANONYMOUS_EVENT_TEXTS: Final = {
    "closed": "The conversation was closed",
    "rated": "The visitor rated the conversation",
    "reopened": "The conversation was reopened",
}


@dataclass
class Entry:
    """A message, an event or a note, as the thread shows it."""

    #: Unique in the page, for the element's id.
    key: str
    #: ``visitor``, ``rep``, ``ai``, ``event`` or ``note``.
    kind: str
    name: str
    text: str
    created_at: datetime
    #: How the AI made the answer; ``None`` unless it did.
    reply: Reply | None = None
    #: The words that a representative has changed before sending it; empty if none.
    changes: list[DiffPart] = field(default_factory=list)
    #: The text of a rejected draft; empty if it is not shown.
    draft_text: str = ""
    #: The sources of an answer of the AI, which alone become links. JSON.
    sources: str = ""
    #: Whether it follows an entry of the same author, whose head it shares.
    continues: bool = False
    #: Whether the visitor has read it, if it is the latest text of all and not theirs.
    is_seen: bool | None = None


@dataclass
class Day:
    """The entries of one day in the current time zone."""

    date: date
    entries: list[Entry]


@dataclass
class Thread:
    """A page of a thread."""

    days: list[Day] = field(default_factory=list)
    #: The sequences at which the neighboring pages end; ``None`` if there are none.
    earlier: int | None = None
    later: int | None = None


def get_thread(conversation: Conversation, before: int | None = None) -> Thread:
    """Return the latest messages, or those with a sequence below ``before``, with their notes."""
    messages = conversation.messages.select_related("reply__draft", "approved_by")
    messages = messages.defer("reply__instructions", "reply__text").order_by("-sequence")
    if before is not None:
        messages = messages.filter(sequence__lt=before)
    page = load_page(messages, PAGE_SIZE, _BYTES)[0][::-1]
    entries = list(_merge(page, _entries_between(conversation, page)))
    _add_changes(entries)
    _group(entries)
    _add_receipt(conversation, page, entries)
    first, last = (page[0].sequence, page[-1].sequence) if page else (1, 0)
    return Thread(
        days=list(_split_days(entries)),
        earlier=first if first > 1 else None,
        later=last + PAGE_SIZE + 1 if last < conversation.last_sequence else None,
    )


def _entries_between(conversation: Conversation, page: list[Message]) -> list[Entry]:
    """Return the notes and rejected drafts of the page, the oldest first.

    They are between its first message and the first one of the next page.
    """
    start = end = Q()
    if page and page[0].sequence > 1:
        start = Q(time__gte=page[0].created_at)
    if page and page[-1].sequence < conversation.last_sequence:
        following = conversation.messages.get(sequence=page[-1].sequence + 1)
        end = Q(time__lt=following.created_at)
    notes = conversation.notes.select_related("user").order_by("created_at", "id")
    entries = [_note_entry(note) for note in notes.alias(time=F("created_at")).filter(start, end)]
    if conversation.drafts_rejected:
        drafts = conversation.drafts.filter(state=DraftState.REJECTED).alias(time=F("decided_at"))
        rejected = load_rejected(drafts.filter(start, end), PAGE_SIZE)
        entries += [_rejection_entry(draft, text) for draft, text in rejected]
    return sorted(entries, key=attrgetter("created_at"))


def _merge(messages: list[Message], others: list[Entry]) -> Iterator[Entry]:
    """Yield the messages by sequence, and each other entry before the next newer message."""
    waiting = deque(others)
    for message in messages:
        while waiting and waiting[0].created_at < message.created_at:
            yield waiting.popleft()
        yield _message_entry(message)
    yield from waiting


def _key(message: Message) -> str:
    return f"message-{message.sequence}"


def _message_entry(message: Message) -> Entry:
    key = _key(message)
    if message.kind == MessageKind.EVENT:
        return Entry(key, "event", "", _event_text(message), message.created_at)
    name = message.author_name or ("Visitor" if message.author == Author.VISITOR else "Team")
    entry = Entry(key, message.author, name, message.text, message.created_at)
    if message.author == Author.AI:
        _add_trace(entry, message)
    return entry


def _add_trace(entry: Entry, message: Message) -> None:
    """Add how the AI made the answer."""
    entry.reply = message.reply
    entry.sources = json.dumps(message.sources)
    if message.approved_by is not None:
        entry.name = f"{entry.name}, approved by {message.approved_by.get_full_name()}"


def _add_changes(entries: list[Entry]) -> None:
    """Add the representatives' changes of the AI's answers, to the newest entries first."""
    budget = Budget(PAGE_BUDGET)
    for entry in reversed(entries):
        draft: Draft | None = getattr(entry.reply, "draft", None)
        if draft is not None and draft.is_edited:
            entry.changes = diff_words(draft.text, draft.sent_text, budget)


def _note_entry(note: Note) -> Entry:
    name = note.user.get_full_name() if note.user else "Deleted user"
    return Entry(f"note-{note.pk}", "note", name, note.text, note.created_at)


def _rejection_entry(draft: Draft, draft_text: str) -> Entry:
    name = draft.decided_by.get_full_name() if draft.decided_by else "a deleted user"
    reason = f" ({draft.get_reason_display().lower()})" if draft.reason else ""
    text = ": ".join(filter(None, [f"Draft rejected by {name}{reason}", draft.comment]))
    time = draft.decided_at or draft.updated_at
    return Entry(f"draft-{draft.pk}", "event", "", text, time, draft_text=draft_text)


def _event_text(message: Message) -> str:
    if message.event == "handed_over" and message.text:
        return "Handed over to the team, after two questions without an answer"
    if message.author_name and message.event in _EVENT_TEXTS:
        return _EVENT_TEXTS[message.event].format(message.author_name)
    texts = {**_EVENT_TEXTS, **_ANONYMOUS_EVENT_TEXTS}
    return texts.get(message.event, message.event.replace("_", " ").capitalize()).format("Somebody")


def _group(entries: list[Entry]) -> None:
    for previous, entry in pairwise(entries):
        entry.continues = (
            (entry.kind, entry.name) == (previous.kind, previous.name)
            and entry.kind != Author.AI
            and entry.created_at - previous.created_at < _GROUP_WITHIN
            and _local_date(entry) == _local_date(previous)
        )


def _split_days(entries: list[Entry]) -> Iterator[Day]:
    for day, grouped in groupby(entries, key=_local_date):
        yield Day(day, list(grouped))


def _local_date(entry: Entry) -> date:
    return timezone.localdate(entry.created_at)


def _add_receipt(conversation: Conversation, page: list[Message], entries: list[Entry]) -> None:
    """Add whether the visitor has read the latest text, of which they never get a note."""
    texts = [message for message in page if message.kind == MessageKind.TEXT]
    if not texts or texts[-1].author == Author.VISITOR:
        return
    if page[-1].sequence < conversation.last_sequence:
        return
    latest = next(entry for entry in entries if entry.key == _key(texts[-1]))
    latest.is_seen = conversation.visitor_read_sequence >= texts[-1].sequence


def get_colleagues(conversation: Conversation, user: User) -> list[User]:
    """Return the active members who can be assigned, ``user`` first."""
    members = User.objects.for_organization(conversation.organization_id).filter(is_active=True)
    others = members.exclude(pk=user.pk).order_by("full_name", "email")
    return [user, *others[:_MAX_COLLEAGUES]]
