"""``ModelClient``: the interface to language models, independent of the protocol."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from organizations.ai.events import ModelEvent

#: The name of the only tool that a model has.
HAND_OVER: Final = "hand_over"

Role: TypeAlias = Literal["visitor", "assistant"]


@dataclass(frozen=True)
class Turn:
    """What one side of a conversation wrote."""

    role: Role
    text: str


@dataclass(frozen=True)
class ModelRequest:
    """A call of a model. With ``may_hand_over``, the model has the tool ``HAND_OVER``."""

    model: str
    system: str
    turns: tuple[Turn, ...]
    max_tokens: int
    temperature: float
    may_hand_over: bool = True


class ModelClient(Protocol):
    """A client of one provider. It makes no retries and has no deadline: its caller has."""

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Return the events of one call, an async generator.

        The last event is ``End``. Otherwise the iterator raises ``ProviderError``. Closing it, or
        cancelling the task that awaits it, closes the HTTP response within a second.
        """

    async def aclose(self) -> None:
        """Close the connections."""
