"""The playground: answers of a prompt that need not be saved. No conversation is stored.

A page starts a run and reads its state again and again. A worker makes the answer, by the code that
answers visitors, and stores the state in the cache.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing, suppress
from time import monotonic, time
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error

from organizations.ai.client import Turn
from organizations.ai.errors import ProviderError
from organizations.auth.roles import Operation, role_allows
from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob, RetryLater, enqueue
from organizations.models import Organization, Prompt, User
from organizations.models.ai_usage import Purpose
from webchat_project.api.object_ids import new_object_id
from webchats.conversations.knowledge.calls import Visible
from webchats.conversations.knowledge.run_events import Finished, HandOver, Trace
from webchats.conversations.knowledge.runs import PromptRun, run_prompt
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.playground_states import (
    Replaced,
    RunState,
    TraceDocument,
    add_run,
    new_state,
    require_current,
    update_state,
)

logger = logging.getLogger(__name__)

KIND: Final = "playground"
#: Seconds between two writes of new text.
WRITE_SECONDS: Final = 0.1
#: Seconds after which a run that has been replaced ends.
CHECK_SECONDS: Final = 1.0
#: Earlier turns, oldest first.
MAX_TURNS: Final = 20

#: The fields of a prompt that a run uses.
_FIELDS: Final = ("name", "instructions", "model", "temperature", "max_tokens", "provider_id")
_FAULT: Final = "An internal error, see the log of the worker."


# --- For the page ---


def can_use_playground(user: User) -> bool:
    """Return whether the user may start runs: the permission to change prompts."""
    return role_allows(user.role, Operation.CHANGE, Prompt)


def start_run(
    *, user: User, prompt: Prompt, question: str, earlier: Sequence[Turn] = (), language: str = "en"
) -> str:
    """Request an answer to the question and return the id of the run.

    The prompt may have unsaved changes, or be new. ``earlier`` are the turns before the question,
    oldest first, of which the last 20 count. A user has one run at a time in an organization: a new
    one cancels the previous one. Raise ``PermissionDenied`` without permission, and
    ``ValidationError`` by field of the prompt, or for ``question``.
    """
    is_own = user.is_superuser or prompt.organization_id == user.organization_id
    if not can_use_playground(user) or not is_own:
        raise PermissionDenied
    prompt.full_clean(exclude=["name"], validate_unique=False)
    question = question.strip()
    if not 0 < len(question) <= MAX_TEXT_LENGTH:
        message = f"Enter a question of at most {MAX_TEXT_LENGTH:,} characters."
        raise ValidationError({"question": message})
    turns = [*earlier[-MAX_TURNS:], Turn("visitor", question)]
    run_id = new_object_id()
    owner = add_run(run_id, user.pk, prompt.organization_id)
    enqueue(
        KIND,
        # One job at a time: a new run replaces a queued one.
        key=owner,
        organization_id=prompt.organization_id,
        payload={
            "run": run_id,
            "requested_at": time(),
            "prompt": prompt.pk,
            "version": prompt.version,
            "fields": {name: getattr(prompt, name) for name in _FIELDS},
            "turns": [[turn.role, turn.text] for turn in turns],
            "language": language,
        },
    )
    return run_id


# --- For the worker ---


async def run_playground(job: ClaimedJob) -> None:
    """Make the answer of a run. A failure is its state, and is not repeated."""
    state = new_state()
    with suppress(Replaced):
        try:
            run = await run_query(_load, job)
            await _run_until_replaced(job, run, state)
        except ProviderError as error:
            state |= {"state": "failed", "error": error.message}
        except (Error, RetryLater, Replaced):
            # The queue starts over, unless the run has been replaced.
            raise
        except Exception:
            logger.exception("Run %s of the playground has failed.", job.payload["run"])
            state |= {"state": "failed", "error": _FAULT}
        await _publish(job, state)


def _load(job: ClaimedJob) -> PromptRun:
    data = job.payload
    prompts = Prompt.objects.for_organization(job.organization_id)
    prompt = prompts.filter(pk=data["prompt"]).first() or Prompt(
        id=data["prompt"], organization_id=job.organization_id
    )
    # Never saved.
    for name, value in data["fields"].items():
        setattr(prompt, name, value)
    return PromptRun(
        prompt=prompt,
        organization=Organization.objects.get(pk=job.organization_id),
        turns=tuple(Turn(role, text) for role, text in data["turns"]),
        language=data["language"],
        purpose=Purpose.PLAYGROUND,
        prompt_version=data["version"],
        busy_deadline=monotonic()
        + settings.AI_FIRST_TOKEN_SECONDS
        - (time() - data["requested_at"]),
    )


async def _run_until_replaced(job: ClaimedJob, run: PromptRun, state: RunState) -> None:
    """Make the answer. The next run must not wait for a provider that does not respond."""
    answer = asyncio.ensure_future(_run(job, run, state))
    try:
        while not (await asyncio.wait([answer], timeout=CHECK_SECONDS))[0]:
            await run_query(require_current, job.key, job.payload["run"])
        answer.result()
    finally:
        answer.cancel()
        await asyncio.wait([answer])


async def _run(job: ClaimedJob, run: PromptRun, state: RunState) -> None:
    written = 0.0
    async with aclosing(run_prompt(run)) as events:
        async for event in events:
            if isinstance(event, Visible):
                state["state"] = "running"
                state["text"] += event.text
                if monotonic() - written >= WRITE_SECONDS:
                    await _publish(job, state)
                    written = monotonic()
            elif isinstance(event, HandOver):
                state |= {"state": "handed_over", "text": "", "error": event.reason}
                state["trace"] = _describe(event.trace)
            else:
                _finish(state, event)


def _finish(state: RunState, event: Finished) -> None:
    answer = event.answer
    state |= {"state": "finished", "text": answer.text, "outcome": answer.outcome.value}
    state |= {"sources": answer.sources, "trace": _describe(event.trace)}


def _describe(trace: Trace) -> TraceDocument:
    usage = trace.usage
    return {
        "provider": trace.provider_name,
        "model": trace.model,
        "inputTokens": usage.input_tokens if usage else None,
        "outputTokens": usage.output_tokens if usage else None,
        "isEstimated": usage.is_estimated if usage else False,
        "firstTokenMs": trace.first_token_ms,
        "totalMs": trace.total_ms,
        "endReason": trace.end_reason,
        "knowledge": [
            {"number": source.number, "entryId": source.entry_id, "title": source.title}
            for source in trace.sources
        ],
    }


async def _publish(job: ClaimedJob, state: RunState) -> None:
    """Store the state. Raise ``Replaced`` if the user has started another run."""
    # In a thread, because the cache may be a server.
    await run_query(update_state, job.key, job.payload["run"], state)
