"""Running replies: whether they may continue, and their texts so far. Reads are batched."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, TextField, Value, When
from django.utils import timezone

from organizations.ai.text import remove_unstorable
from organizations.jobs.batches import Batches
from webchats.conversations import events
from webchats.conversations.models import Author, Message, Reply
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.replies.availability import choose_autopilot
from webchats.conversations.replies.requests import turn_into_drafts
from webchats.conversations.transitions import Handler, State


class _Row(NamedTuple):
    """The columns that decide whether a reply may continue. Models take ten times as long."""

    pk: str
    is_draft: bool
    is_outdated: bool
    conversation__state: str
    conversation__handler: str
    conversation__is_autopilot: bool | None
    conversation__webchat__is_autopilot: bool | None


class ReplyStatus(NamedTuple):
    """Whether a running reply may continue, and who may read it."""

    #: A person answers, the conversation is closed, or another process has started over.
    is_ended: bool = False
    #: The visitor has written since it began.
    is_outdated: bool = False
    #: It must be approved before the visitor gets it.
    is_draft: bool = False

    def stops(self, *, is_visible: bool) -> bool:
        """Return whether the reply must end. One that the visitor reads ends with its answer."""
        return self.is_ended or (self.is_outdated and not is_visible)


class Step(NamedTuple):
    """The step of a running reply: whether it may continue, and its writes."""

    #: The text to publish, empty if there is none.
    part: events.ReplyPart
    #: The whole text to save, empty if it need not be saved now.
    saved_text: str
    #: Whether the visitor has been shown text before.
    is_visible: bool


def advance_all(steps: Sequence[Step]) -> list[ReplyStatus | Exception]:
    """Publish and save the texts of replies that may continue, and return whether each may.

    The rows are read before: after autopilot is turned off, no more of a text may reach the
    visitor. If it is off now, a reply becomes a draft.
    """
    known = _get_statuses([step.part.reply_id for step in steps])
    statuses = [known.get(step.part.reply_id, ReplyStatus(is_ended=True)) for step in steps]
    shown = [
        step
        for step, status in zip(steps, statuses, strict=True)
        if not status.is_draft and not status.stops(is_visible=step.is_visible)
    ]
    events.reply_progress(*(step.part for step in shown if step.part.text))
    _save_texts({step.part.reply_id: step.saved_text for step in shown if step.saved_text})
    return list(statuses)


#: Steps of the replies that this process makes.
steps: Final = Batches(advance_all)


def _get_statuses(reply_ids: Sequence[str]) -> dict[str, ReplyStatus]:
    """Return whether the running replies may continue."""
    newer = Message.objects.filter(
        conversation=OuterRef("conversation"),
        author=Author.VISITOR,
        sequence__gt=OuterRef("based_on_sequence"),
    )
    rows = Reply.objects.running().filter(pk__in=reply_ids).annotate(is_outdated=Exists(newer))
    statuses = {}
    turned = []
    for row in map(_Row._make, rows.order_by().values_list(*_Row._fields)):
        statuses[row.pk] = status = _get_status(row)
        if status.is_draft and not row.is_draft:
            turned.append(row.pk)
    _turn_into_drafts(turned)
    return statuses


def _get_status(row: _Row) -> ReplyStatus:
    if (row.conversation__state, row.conversation__handler) != (State.OPEN, Handler.AI):
        return ReplyStatus(is_ended=True)
    is_autopilot = choose_autopilot(
        row.conversation__is_autopilot, row.conversation__webchat__is_autopilot
    )
    return ReplyStatus(is_outdated=row.is_outdated, is_draft=row.is_draft or not is_autopilot)


def _turn_into_drafts(reply_ids: Sequence[str]) -> None:
    """Let the replies become drafts.

    Rows that others have locked are left out: a later step turns them, and no step shows them.
    """
    if not reply_ids:
        return
    with transaction.atomic():
        rows = Reply.objects.running().filter(pk__in=reply_ids)
        free = rows.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)
        turn_into_drafts(Reply.objects.filter(pk__in=list(free)))


def _save_texts(texts: Mapping[str, str]) -> None:
    """Store the texts that visitors have been shown, unless a reply has ended or is a draft.

    Locked rows are skipped and become part of the next save, so that nothing waits while it
    holds locks.
    """
    if not texts:
        return
    shown = Reply.objects.running().order_by().filter(pk__in=texts, is_draft=False)
    free = shown.select_for_update(skip_locked=True, no_key=True).values("pk")
    cases = (When(pk=pk, then=Value(text)) for pk, text in texts.items())
    with transaction.atomic():
        Reply.objects.filter(pk__in=free).update(
            text=Case(*cases, output_field=TextField()), updated_at=timezone.now()
        )


def clean_text(text: str) -> str:
    """Return the text in the form that can be stored, truncated to the length of a message."""
    return remove_unstorable(text)[:MAX_TEXT_LENGTH]
