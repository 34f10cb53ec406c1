"""The start of a reply: whether one is needed, and its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from organizations.ai.providers import resolve_provider
from organizations.ai.usage import is_busy, settle_replies
from organizations.jobs import queue
from organizations.jobs.queue import ClaimedJob, RetryLater
from organizations.models import Prompt
from webchats.conversations.knowledge.history import turns_since_closing
from webchats.conversations.knowledge.runs import PRIMARY_SHARE, PromptRun
from webchats.conversations.locking import save
from webchats.conversations.message_queries import find_contact, find_webchat, lock_by_id
from webchats.conversations.models import (
    Author,
    Conversation,
    Draft,
    Message,
    MessageKind,
    Reply,
    ReplyState,
)
from webchats.conversations.replies.availability import answered_by, get_prompt_owner, is_autopilot
from webchats.conversations.replies.queries import find_pending_draft, find_prompt, load_newest
from webchats.conversations.replies.requests import discard_running, supersede
from webchats.conversations.services.handlers import hand_over_locked
from webchats.conversations.transitions import Action

#: The part of a time limit that a late reply has at least, such as after a worker's death.
_LEAST_SHARE: Final = 0.25
#: The part of the time limits that is left for the hand-over.
_RESERVED_SHARE: Final = 0.1
#: Seconds until the next attempt to get one of the provider's parallel calls. Many replies may
#: wait, and each attempt takes 10 ms of a core.
_BUSY_SECONDS: Final = 2


@dataclass(frozen=True)
class Start:
    """A started reply, with the input of its call."""

    conversation: Conversation
    reply: Reply
    #: Without deadlines, which are times of the event loop's process.
    run: PromptRun
    #: Seconds that are left until the first words, and in all.
    first_seconds: float
    total_seconds: float
    #: Seconds for which it waits for one of the provider's parallel calls, by ``RetryLater``.
    busy_seconds: float


def start_reply(job: ClaimedJob) -> Start | None:
    """Store a running reply to all messages of the visitor so far.

    Return ``None`` if nothing is to be answered, or if a person has been called because the AI
    cannot answer. Raise ``RetryLater`` while a representative edits a draft, or while the provider
    has all its parallel calls.
    """
    if job.attempts > 1:
        # Calls of a worker that has died while it ran this job. ``RetryLater`` keeps them settled.
        replies = Reply.objects.filter(conversation=job.key)
        settle_replies(job.organization_id, replies.values_list("pk", flat=True))
    with transaction.atomic():
        return _start(job)


def _start(job: ClaimedJob) -> Start | None:
    conversation = lock_for_reply(job)
    if conversation is None:
        return None
    newest = load_newest(conversation)
    draft = find_pending_draft(conversation)
    asked = _find_unanswered(conversation, newest, draft)
    if asked is None:
        return None
    if draft is not None and draft.editing_until is not None and draft.is_being_edited:
        raise RetryLater((draft.editing_until - timezone.now()).total_seconds())
    owner = get_prompt_owner(conversation)
    prompt = find_prompt(owner.prompt_id) if owner and owner.prompt_id else None
    if prompt is None or answered_by(prompt) == "person":
        hand_over_locked(conversation, Action.HAND_OVER)
        save(conversation)
        return None
    is_draft = not is_autopilot(conversation)
    elapsed = (timezone.now() - asked.created_at).total_seconds()
    # The visitor does not see the first words of a draft.
    first_limit = settings.AI_TOTAL_SECONDS if is_draft else settings.AI_FIRST_TOKEN_SECONDS
    busy_seconds = _wait_for_call(prompt, first_limit, elapsed)
    _end_others(conversation, draft)
    reply = Reply.objects.create(
        conversation=conversation,
        is_draft=is_draft,
        based_on_sequence=asked.sequence,
        prompt=prompt,
        prompt_version=prompt.version,
        instructions=prompt.instructions,
    )
    return Start(
        conversation=conversation,
        reply=reply,
        run=_to_run(reply, prompt, newest),
        first_seconds=_left(first_limit, elapsed),
        total_seconds=_left(settings.AI_TOTAL_SECONDS, elapsed),
        busy_seconds=busy_seconds,
    )


def _wait_for_call(prompt: Prompt, first_limit: float, elapsed: float) -> float:
    """Return the seconds for which the reply may wait for one of the provider's parallel calls.

    Raise ``RetryLater`` if it must wait, before a reply is stored.
    """
    provider = resolve_provider(prompt)
    share = 1 - _RESERVED_SHARE if provider.fallback is None else PRIMARY_SHARE
    seconds = first_limit * share - elapsed
    if seconds > 0 and is_busy(provider, prompt.organization_id):
        raise RetryLater(_BUSY_SECONDS)
    return seconds


def lock_for_reply(job: ClaimedJob) -> Conversation | None:
    """Return the locked conversation of a job if the AI is its handler.

    Raise ``LeaseLost`` unless this process still has the job. The conversation is locked first, as
    by a message of the visitor, which then changes the row of the job: no deadlock.
    """
    conversation = lock_by_id(job.key)
    queue.lock_lease(job)
    if conversation is None or not conversation.is_answered_by_ai:
        return None
    if conversation.webchat_id is not None:
        conversation.webchat = find_webchat(conversation.webchat_id)
        if conversation.webchat is not None:
            conversation.organization = conversation.webchat.organization
    return conversation


def _find_unanswered(
    conversation: Conversation, newest: Sequence[Message], draft: Draft | None
) -> Message | None:
    """Return the last message of the visitor, ``None`` if it has an answer or a draft of one.

    ``newest`` is the result of ``load_newest``, and ``draft`` the pending draft.
    """
    if newest and newest[0].author == Author.VISITOR:
        # No text follows, so no reply to it was sent.
        is_drafted = draft is not None and draft.based_on_sequence >= newest[0].sequence
        return None if is_drafted else newest[0]
    texts = conversation.messages.filter(kind=MessageKind.TEXT).order_by("-sequence")
    asked = texts.filter(author=Author.VISITOR).first()
    if asked is None or texts.filter(author=Author.REP, sequence__gt=asked.sequence).exists():
        return None
    later = {"conversation": conversation, "based_on_sequence__gte": asked.sequence}
    if Reply.objects.filter(state=ReplyState.SENT, **later).exists():
        return None
    return None if Draft.objects.pending().filter(**later).exists() else asked


def _end_others(conversation: Conversation, draft: Draft | None) -> None:
    """Discard the reply of a worker that has died, and supersede the pending draft."""
    discard_running(conversation)
    if draft is not None:
        supersede(conversation, draft)
        save(conversation, "drafts_superseded")


def _to_run(reply: Reply, prompt: Prompt, newest: Sequence[Message]) -> PromptRun:
    conversation = reply.conversation
    contact = find_contact(conversation.contact_id)
    return PromptRun(
        prompt=prompt,
        organization=conversation.organization,
        turns=turns_since_closing(newest),
        language=contact.locale if contact else "",
        purpose="draft" if reply.is_draft else "reply",
        prompt_version=reply.prompt_version,
        reply_id=reply.pk,
    )


def _left(limit: float, elapsed: float) -> float:
    """Return the seconds that are left of a time limit, and a part of it in any case."""
    return max(limit - elapsed, limit * _LEAST_SHARE) - limit * _RESERVED_SHARE
