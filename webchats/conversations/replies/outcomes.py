"""The final write of a reply: a message, a draft, or a hand-over.

Each is one transaction under the lock of the conversation. It changes nothing unless this process
still has the job, the AI is still the handler, and the reply is still the current one.
"""

from functools import partial
from typing import Final

from django.db import transaction
from django.utils import timezone

from organizations.jobs.queue import ClaimedJob
from webchats.conversations.appending import append
from webchats.conversations.events import draft_changed
from webchats.conversations.facts import record_prompt
from webchats.conversations.knowledge.answer import Answer, Outcome
from webchats.conversations.knowledge.phrases import second_refusal
from webchats.conversations.knowledge.run_events import Finished, HandOver, Trace
from webchats.conversations.locking import save
from webchats.conversations.models import (
    Author,
    Conversation,
    Draft,
    DraftState,
    MessageKind,
    Reply,
    ReplyState,
)
from webchats.conversations.models.reply import ERROR_LENGTH
from webchats.conversations.notifications.requests import request_notifications
from webchats.conversations.replies.availability import is_autopilot
from webchats.conversations.replies.metrics import observe_reply
from webchats.conversations.replies.progress import clean_text
from webchats.conversations.replies.queries import find_running
from webchats.conversations.replies.start import lock_for_reply
from webchats.conversations.services.handlers import hand_over_locked
from webchats.conversations.transitions import Action

#: What may change from the start of a reply to its end.
_COLUMNS: Final = (
    *("state", "is_draft", "end_reason", "error", "text", "sources", "knowledge"),
    *("provider_name", "model", "input_tokens", "output_tokens", "is_estimated"),
    *("first_token_ms", "total_ms", "updated_at"),
)
#: ``end_reason`` of a reply whose sources do not answer the question.
REFUSAL: Final = "refusal"


@transaction.atomic
def finish_reply(job: ClaimedJob, reply_id: str, finished: Finished, *, is_shown: bool) -> None:
    """Store a complete answer as a message or draft.

    A newer message of the visitor discards a reply that was not shown yet: its job starts again.
    The second refusal in a row, and any refusal that would become a draft, is a hand-over instead.
    """
    reply = _lock_running(job, reply_id)
    if reply is None:
        return
    _record(reply, finished.trace)
    _set_answer(reply, finished.answer)
    conversation = reply.conversation
    if (reply.is_draft or not is_shown) and _is_outdated(reply):
        _end(reply, ReplyState.DISCARDED)
    elif reply.end_reason == REFUSAL and _has_refused(conversation):
        text = second_refusal(conversation.contact.locale)
        _call_person(reply, ReplyState.HANDED_OVER, text)
    elif reply.end_reason == REFUSAL and reply.is_draft:
        _call_person(reply, ReplyState.HANDED_OVER)
    elif reply.is_draft:
        _end(reply, ReplyState.DRAFTED)
        _add_draft(reply, DraftState.PENDING)
        request_notifications(conversation)
        save(conversation, "ai_prompt", "ai_prompt_version")
    else:
        _send(reply)
        save(conversation)


@transaction.atomic
def hand_over_reply(job: ClaimedJob, reply_id: str, handed: HandOver) -> None:
    """Hand over because the model has asked for a person. Its text so far is discarded."""
    reply = _lock_running(job, reply_id)
    if reply is not None:
        _record(reply, handed.trace)
        reply.text, reply.error = "", handed.reason[:ERROR_LENGTH]
        _call_person(reply, ReplyState.HANDED_OVER)


@transaction.atomic
def fail_reply(job: ClaimedJob, reply_id: str, end_reason: str, error: str) -> None:
    """Call a person because no complete answer could be made. ``error`` is for staff."""
    reply = _lock_running(job, reply_id)
    if reply is None:
        return
    reply.end_reason, reply.error, reply.text = end_reason, error[:ERROR_LENGTH], ""
    if reply.is_draft:
        _add_draft(reply, DraftState.FAILED)
    _call_person(reply, ReplyState.FAILED)


@transaction.atomic
def discard_reply(job: ClaimedJob, reply_id: str) -> None:
    """End a reply that must not continue, unless it has already ended."""
    reply = _lock_running(job, reply_id)
    if reply is not None:
        _end(reply, ReplyState.DISCARDED)


def _lock_running(job: ClaimedJob, reply_id: str) -> Reply | None:
    """Return the reply, with the locked conversation, if it may still be sent.

    Discard it if another one than the AI has become the handler, or the conversation was closed.
    """
    conversation = lock_for_reply(job)
    reply = find_running(reply_id)
    if reply is None:
        return None
    if conversation is None:
        _end(reply, ReplyState.DISCARDED)
        return None
    reply.conversation = conversation
    if not is_autopilot(conversation):
        reply.is_draft = True
    return reply


def _record(reply: Reply, trace: Trace) -> None:
    """Set how the answer was made."""
    reply.end_reason = trace.end_reason
    reply.knowledge = [source.entry_id for source in trace.sources]
    reply.provider_name, reply.model = trace.provider_name, trace.model
    if trace.usage is not None:
        reply.input_tokens = trace.usage.input_tokens
        reply.output_tokens = trace.usage.output_tokens
        reply.is_estimated = trace.usage.is_estimated
    reply.first_token_ms, reply.total_ms = trace.first_token_ms, trace.total_ms


def _set_answer(reply: Reply, answer: Answer) -> None:
    reply.text = clean_text(answer.text)
    reply.sources = answer.sources
    if answer.outcome == Outcome.REFUSAL:
        reply.end_reason = REFUSAL


def _is_outdated(reply: Reply) -> bool:
    newer = reply.conversation.messages.filter(sequence__gt=reply.based_on_sequence)
    return newer.filter(author=Author.VISITOR).exists()


def _has_refused(conversation: Conversation) -> bool:
    """Return whether the last answer to the visitor was a refusal of the AI."""
    texts = conversation.messages.filter(kind=MessageKind.TEXT).exclude(author=Author.VISITOR)
    last = texts.select_related("reply").order_by("-sequence").first()
    return last is not None and last.reply is not None and last.reply.end_reason == REFUSAL


def _send(reply: Reply) -> None:
    _append(reply)
    _end(reply, ReplyState.SENT)


def _append(reply: Reply) -> None:
    append(
        reply.conversation,
        author=Author.AI,
        author_name=reply.conversation.organization.public_title,
        text=reply.text,
        reply=reply,
    )


def _add_draft(reply: Reply, state: DraftState) -> None:
    draft = Draft.objects.create(
        organization_id=reply.conversation.organization_id,
        conversation=reply.conversation,
        reply=reply,
        state=state,
        text=reply.text,
        based_on_sequence=reply.based_on_sequence,
        decided_at=None if state == DraftState.PENDING else timezone.now(),
    )
    draft_changed(reply.conversation, draft)


def _call_person(reply: Reply, state: ReplyState, text: str = "") -> None:
    _end(reply, state)
    hand_over_locked(reply.conversation, Action.HAND_OVER, text)
    save(reply.conversation)


def _end(reply: Reply, state: ReplyState) -> None:
    reply.state = state
    reply.save(update_fields=_COLUMNS)
    if state != ReplyState.DISCARDED:
        record_prompt(reply.conversation, reply)
    transaction.on_commit(partial(observe_reply, reply))
