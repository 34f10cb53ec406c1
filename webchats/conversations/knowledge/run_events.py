"""What ``runs.run_prompt`` yields, and how an answer was made."""

from dataclasses import dataclass
from typing import TypeAlias

from organizations.ai.events import Usage
from webchats.conversations.knowledge.answer import Answer
from webchats.conversations.knowledge.calls import Visible
from webchats.conversations.knowledge.selection import Source


@dataclass(frozen=True)
class Trace:
    """How an answer was made. ``usage`` is ``None`` for the built-in provider."""

    provider_name: str
    model: str
    usage: Usage | None
    #: The sources given to the model, not those that it cites.
    sources: tuple[Source, ...]
    end_reason: str
    first_token_ms: int | None
    total_ms: int


@dataclass(frozen=True)
class Finished:
    """A complete answer: its text and the sources that it cites."""

    answer: Answer
    trace: Trace


@dataclass(frozen=True)
class HandOver:
    """The model asks for a person instead of answering. ``reason`` is for staff."""

    reason: str
    trace: Trace


RunEvent: TypeAlias = Visible | HandOver | Finished
