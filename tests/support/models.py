"""A language model whose streams are scripts, and the jobs that call it, in tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import pytest

from organizations.ai.client import ModelRequest
from organizations.ai.errors import ProviderError
from organizations.ai.events import End, EndReason, ModelEvent, TextDelta, ToolCall, Usage
from organizations.jobs import queue
from organizations.jobs.queue import ClaimedJob
from tests.support import event_loops
from webchats.conversations.knowledge import calls
from webchats.conversations.replies.engine import make_reply

#: A text to stream, an event, an error to raise, or a function to call in a thread.
Step: TypeAlias = str | ModelEvent | ProviderError | Callable[[], object]

HAND_OVER: Final = ToolCall("hand_over", {"reason": "The visitor is angry."})

#: The usage of every call.
USAGE = Usage(10, 5)


class ScriptedModel:
    """A ``ModelClient``. Each call takes the next script; the last one is used again."""

    def __init__(self, scripts: Iterable[Sequence[Step]]) -> None:
        self.scripts = [list(script) for script in scripts]
        self.requests: list[ModelRequest] = []
        #: The streams that were not read to their end.
        self.closed_early = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Yield the events of the script, and its end."""
        self.requests.append(request)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            for step in script:
                if isinstance(step, ProviderError):
                    raise step
                if isinstance(step, str):
                    yield TextDelta(step)
                elif callable(step):
                    await asyncio.to_thread(step)
                else:
                    yield step
            yield USAGE
            yield End(EndReason.STOP)
        except (GeneratorExit, asyncio.CancelledError):
            self.closed_early += 1
            raise

    async def aclose(self) -> None:
        """Close nothing."""


def use_model(monkeypatch: pytest.MonkeyPatch, *scripts: Sequence[Step]) -> ScriptedModel:
    """Let all providers stream these scripts."""
    model = ScriptedModel(scripts)

    def make_client(settings: Any) -> ScriptedModel:
        return model

    monkeypatch.setattr(calls, "make_client", make_client)
    return model


def claim_reply() -> ClaimedJob:
    """Claim the one job of a reply that is due."""
    (job,) = queue.claim(["reply"])
    return job


def run_job(job: ClaimedJob) -> None:
    """Make the reply, and end the job as a worker does."""
    event_loops.run(make_reply(job))
    queue.complete(job)


def run_replies() -> int:
    """Make replies until no job is due. Return the number of runs."""
    runs = 0
    while jobs := queue.claim(["reply"]):
        for job in jobs:
            run_job(job)
            runs += 1
    return runs
