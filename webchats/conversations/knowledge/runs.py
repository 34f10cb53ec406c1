"""One answer, from a prompt to the parsed text, for replies, playground and ``check_prompt``.

No database connection is held while a model answers.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from django.conf import settings as django_settings

from organizations.ai import results, usage
from organizations.ai.client import ModelRequest, Turn
from organizations.ai.clients import load_sdk
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.providers import ProviderSettings, resolve_provider
from organizations.jobs.database import run_in_turn, run_query
from organizations.jobs.queue import RetryLater
from organizations.models import Organization, Prompt
from webchats.conversations.knowledge.assembly import build_request
from webchats.conversations.knowledge.calls import Call
from webchats.conversations.knowledge.run_events import Finished, HandOver, RunEvent, Trace
from webchats.conversations.knowledge.selection import Source, select_knowledge

#: Further calls of the same provider after an error that they can get over.
MAX_RETRIES: Final = 3
#: Seconds before the first retry. Each further one waits twice as long.
BACK_OFF_SECONDS: Final = 0.5
#: Seconds between two attempts to get one of a provider's parallel calls.
BUSY_SECONDS: Final = 1
#: The part of the time to the first word after which a fallback is called.
PRIMARY_SHARE: Final = 0.6


@dataclass(frozen=True)
class PromptRun:
    """The input of an answer. The prompt may be unsaved.

    ``turns`` end with the visitor's. ``language`` is a language tag, for the sentences that come
    from the service. ``first_deadline`` and ``deadline`` are the ends of the time to the first
    word and of all, in ``time.monotonic()``; by default the settings' from now on. Before
    ``busy_deadline``, ``RetryLater`` is raised while the provider has all its parallel calls.
    """

    prompt: Prompt
    organization: Organization
    turns: tuple[Turn, ...]
    language: str
    purpose: str
    prompt_version: int
    reply_id: str = ""
    first_deadline: float | None = None
    deadline: float | None = None
    busy_deadline: float | None = None
    may_hand_over: bool = True


@dataclass
class _Attempts:
    """What is common to the calls of one run."""

    run: PromptRun
    sources: tuple[Source, ...]
    #: Whether the prompt has knowledge, also if none of it fits the question.
    requires_sources: bool
    started: float = field(default_factory=monotonic)

    @property
    def first_deadline(self) -> float:
        deadline = self.run.first_deadline
        if deadline is None:
            deadline = self.started + django_settings.AI_FIRST_TOKEN_SECONDS
        return min(deadline, self.deadline)

    @property
    def deadline(self) -> float:
        deadline = self.run.deadline
        return self.started + django_settings.AI_TOTAL_SECONDS if deadline is None else deadline


async def run_prompt(run: PromptRun) -> AsyncGenerator[RunEvent, None]:
    """Yield the text that may be shown, and at the end ``Finished`` or ``HandOver``.

    A ``HandOver`` can follow shown text, which is then no answer. Raise ``ProviderError`` once
    neither the provider nor its fallback gives a complete answer. Nothing is tried again after the
    first visible text. Closing the iterator ends the call within a second.
    """
    provider, sources, requires_sources = await run_in_turn(_prepare, run)
    attempts = _Attempts(run, sources, requires_sources)
    candidates = [provider, provider.fallback] if provider.fallback else [provider]
    error: ProviderError | None = None
    for candidate in candidates:
        try:
            async with aclosing(
                _call_with_retries(attempts, candidate, is_first=candidate is provider)
            ) as events:
                async for event in events:
                    yield event
        except _NotAnswered as failure:
            error = failure.error
        else:
            return
    assert error is not None
    raise error


class _NotAnswered(Exception):
    """No call of a provider has succeeded, and no text has been shown."""

    def __init__(self, error: ProviderError) -> None:
        self.error = error


def _prepare(run: PromptRun) -> tuple[ProviderSettings, tuple[Source, ...], bool]:
    asked = next((turn.text for turn in reversed(run.turns) if turn.role == "visitor"), "")
    provider = resolve_provider(run.prompt)
    for candidate in (provider, provider.fallback):
        if candidate is not None:
            load_sdk(candidate)
    knowledge = select_knowledge(run.prompt, asked)
    return provider, tuple(knowledge.sources), not knowledge.is_empty


async def _call_with_retries(
    attempts: _Attempts, provider: ProviderSettings, *, is_first: bool
) -> AsyncGenerator[RunEvent, None]:
    """Yield the events of the first call that succeeds. Raise ``_NotAnswered`` if none does."""
    first_deadline = min(
        attempts.first_deadline, monotonic() + _seconds_to_first_word(attempts, provider)
    )
    retries = 0
    while True:
        call = Call(
            provider=provider,
            request=_build_request(attempts, provider),
            sources=attempts.sources,
            requires_sources=attempts.requires_sources,
            language=attempts.run.language,
            first_deadline=first_deadline,
            deadline=min(attempts.deadline, monotonic() + provider.total_seconds),
        )
        try:
            may_return = is_first and retries == 0
            reservation = await _reserve(attempts.run, call, first_deadline, may_return)
            async with aclosing(call.events(reservation)) as events:
                async for event in events:
                    yield event
            yield _result(attempts, call)
            return
        except ProviderError as error:
            if call.has_shown:
                raise
            wait = max(error.retry_after or 0, BACK_OFF_SECONDS * 2**retries)
            is_over = retries == MAX_RETRIES or monotonic() + wait >= first_deadline
            if is_over or not error.is_retryable or call.is_cut:
                raise _NotAnswered(error) from None
            retries += 1
            await asyncio.sleep(wait)


def _seconds_to_first_word(attempts: _Attempts, provider: ProviderSettings) -> float:
    left = attempts.first_deadline - monotonic()
    if provider.fallback is not None:
        # Otherwise no time would be left for the fallback.
        left *= PRIMARY_SHARE
    return min(provider.first_token_seconds, left)


def _build_request(attempts: _Attempts, provider: ProviderSettings) -> ModelRequest:
    run = attempts.run
    return build_request(
        prompt=run.prompt,
        settings=provider,
        organization=run.organization,
        turns=run.turns,
        sources=attempts.sources,
        may_hand_over=run.may_hand_over,
        requires_sources=attempts.requires_sources,
    )


async def _reserve(
    run: PromptRun, call: Call, deadline: float, may_return: bool
) -> usage.Reservation | None:
    """Reserve tokens of the budget, waiting for one of the parallel calls.

    With ``may_return``, before anything was called, the whole run may be made again later instead.
    """
    busy_deadline = run.busy_deadline if may_return else None
    if call.provider.is_builtin:
        return None
    while True:
        try:
            return await run_in_turn(
                usage.reserve,
                call.provider,
                organization_id=run.prompt.organization_id,
                prompt=run.prompt,
                prompt_version=run.prompt_version,
                purpose=run.purpose,
                estimate=call.estimate,
                reply_id=run.reply_id,
            )
        except ProviderError as error:
            retry_at, last = monotonic() + BUSY_SECONDS, busy_deadline or deadline
            if error.kind != ErrorKind.BUSY or retry_at >= last:
                await run_query(results.record_error, call.provider, error)
                raise
            if busy_deadline is not None:
                raise RetryLater(BUSY_SECONDS) from None
            await asyncio.sleep(BUSY_SECONDS)


def _result(attempts: _Attempts, call: Call) -> Finished | HandOver:
    trace = Trace(
        provider_name=call.provider.name,
        model=call.provider.model,
        usage=call.usage,
        sources=attempts.sources,
        end_reason=call.end_reason,
        first_token_ms=call.first_token_ms,
        total_ms=round((monotonic() - attempts.started) * 1000),
    )
    if call.answer is None:
        return HandOver(call.hand_over_reason or "", trace)
    return Finished(call.answer, trace)
