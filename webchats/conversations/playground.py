"""The playground: answers of a prompt that need not be saved. No conversation is stored.

A page starts a run and reads its state again and again. A worker makes the answer, by the code that
answers visitors, and stores the state in the cache.
"""

import logging
from collections.abc import Sequence
from contextlib import aclosing
from time import monotonic
from typing import Final, Literal, TypedDict, cast

from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error

from organizations.ai.client import Turn
from organizations.ai.errors import ProviderError
from organizations.auth.roles import Operation, role_allows
from organizations.jobs.database import run_query
from organizations.jobs.queue import ClaimedJob, enqueue
from organizations.models import Organization, Prompt, User
from organizations.models.ai_usage import Purpose
from webchat_project.api.object_ids import new_object_id
from webchats.conversations.knowledge.calls import Visible
from webchats.conversations.knowledge.runs import Finished, HandOver, PromptRun, Trace, run_prompt
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.serializers import SourceDocument

logger = logging.getLogger(__name__)

KIND: Final = "playground"
#: Seconds for which the state of a run can be read.
EXPIRES_SECONDS: Final = 600
#: Seconds between two writes of new text.
WRITE_SECONDS: Final = 0.1
#: Earlier turns, oldest first.
MAX_TURNS: Final = 20

#: The fields of a prompt that a run uses.
_FIELDS: Final = ("name", "instructions", "model", "temperature", "max_tokens", "provider_id")
_FAULT: Final = "An internal error, see the log of the worker."


class KnowledgeDocument(TypedDict):
    """A knowledge entry that the model was given."""

    number: int
    entryId: str
    title: str


class TraceDocument(TypedDict):
    """How an answer was made. Tokens are ``None`` for the built-in provider."""

    provider: str
    model: str
    inputTokens: int | None
    outputTokens: int | None
    isEstimated: bool
    firstTokenMs: int | None
    totalMs: int
    endReason: str
    knowledge: list[KnowledgeDocument]


class RunState(TypedDict):
    """The state of a run.

    ``text`` is what a visitor would see so far. ``outcome`` is one of ``answer.Outcome``, once the
    state is ``finished``. ``error`` is for staff: why the run has failed, or why the model asks for
    a person.
    """

    state: Literal["queued", "running", "finished", "handed_over", "failed"]
    text: str
    outcome: str
    sources: list[SourceDocument]
    error: str
    trace: TraceDocument | None


class _Stored(TypedDict):
    user_id: str
    organization_id: str
    state: RunState


# --- For the page ---


def can_use_playground(user: User) -> bool:
    """Return whether the user may start runs: who may change prompts may."""
    return role_allows(user.role, Operation.CHANGE, Prompt)


def start_run(
    *, user: User, prompt: Prompt, question: str, earlier: Sequence[Turn] = (), language: str = "en"
) -> str:
    """Request an answer to the question and return the id of the run.

    The prompt may have unsaved changes, or be new. ``earlier`` are the turns before the question,
    oldest first, of which the last 20 count. Raise ``PermissionDenied`` for a user who may not, and
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
    _write(run_id, user.pk, prompt.organization_id, _new_state())
    enqueue(
        KIND,
        key=run_id,
        organization_id=prompt.organization_id,
        payload={
            "user": user.pk,
            "prompt": prompt.pk,
            "version": prompt.version,
            "fields": {name: getattr(prompt, name) for name in _FIELDS},
            "turns": [[turn.role, turn.text] for turn in turns],
            "language": language,
        },
    )
    return run_id


def read_run(run_id: str, *, user: User) -> RunState | None:
    """Return the state of a run; ``None`` if it has expired or is of another user."""
    stored = cast("_Stored | None", cache.get(_key(run_id)))
    if stored is None or stored["user_id"] != user.pk:
        return None
    if not user.is_superuser and stored["organization_id"] != user.organization_id:
        return None
    return stored["state"]


# --- For the worker ---


async def run_playground(job: ClaimedJob) -> None:
    """Make the answer of the run ``job.key``. A failure is its state, and is not repeated."""
    state = _new_state()
    try:
        run = await run_query(_load, job)
        await _run(job, run, state)
    except ProviderError as error:
        state |= {"state": "failed", "error": error.message}
    except Error:
        # The queue starts over.
        raise
    except Exception:
        logger.exception("Run %s of the playground has failed.", job.key)
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
    )


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


# --- The cache ---


def _new_state() -> RunState:
    return RunState(state="queued", text="", outcome="", sources=[], error="", trace=None)


def _key(run_id: str) -> str:
    return f"playground:{run_id}"


async def _publish(job: ClaimedJob, state: RunState) -> None:
    # In a thread, because the cache may be a server.
    await run_query(_write, job.key, job.payload["user"], job.organization_id, state)


def _write(run_id: str, user_id: str, organization_id: str, state: RunState) -> None:
    stored: _Stored = {"user_id": user_id, "organization_id": organization_id, "state": state}
    cache.set(_key(run_id), stored, EXPIRES_SECONDS)
