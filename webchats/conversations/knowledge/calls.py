"""One call of a provider: its deadlines, and the text of its events that is shown."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, cast

from organizations.ai import results, usage
from organizations.ai.client import HAND_OVER, ModelClient, ModelRequest
from organizations.ai.clients import make_client
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import End, EndReason, ModelEvent, TextDelta, ToolCall, Usage
from organizations.ai.providers import ProviderSettings
from organizations.ai.text import has_visible
from organizations.jobs.database import run_in_turn, run_query
from webchats.conversations.knowledge.answer import Answer, AnswerParser
from webchats.conversations.knowledge.builtin import BuiltinClient
from webchats.conversations.knowledge.selection import Source, estimate_tokens
from webchats.conversations.models.message import MAX_TEXT_LENGTH

_CUT: Final = {
    EndReason.LENGTH: "The answer was cut at the prompt's maximum length. Raise it.",
    EndReason.CONTENT_FILTER: "The provider's content filter stopped the answer.",
}
_REASON_LENGTH: Final = 500
_TOO_LONG: Final = (
    f"The answer has more than {MAX_TEXT_LENGTH:,} characters. Ask for short answers in the prompt."
)


@dataclass(frozen=True)
class Visible:
    """Text to append to the text shown so far."""

    text: str


class Call:
    """A call and, after ``events``, its result. Deadlines are in ``time.monotonic()``."""

    def __init__(
        self,
        *,
        provider: ProviderSettings,
        request: ModelRequest,
        sources: Sequence[Source],
        requires_sources: bool,
        language: str,
        first_deadline: float,
        deadline: float,
    ) -> None:
        self.provider = provider
        self.request = request
        self._sources = sources
        self._language = language
        self._first_deadline = first_deadline
        self._deadline = deadline
        self._parser = AnswerParser(sources, language=language, requires_sources=requires_sources)
        self._started = monotonic()
        #: ``None`` after a hand-over.
        self.answer: Answer | None = None
        #: Why the model asks for a person, for staff. ``None`` after an answer.
        self.hand_over_reason: str | None = None
        self.usage: Usage | None = None
        self.first_token_ms: int | None = None
        self.end_reason = ""
        self.has_shown = False
        #: Whether the answer had a proper end, but not at the end of its text.
        self.is_cut = False
        #: Text without a visible character, which must not end the time to the first word.
        self._waiting = ""

    @property
    def estimate(self) -> int:
        """Return the tokens to reserve: about those of the request, and the longest answer's."""
        texts = [self.request.system, *(turn.text for turn in self.request.turns)]
        return sum(estimate_tokens(text) for text in texts) + self.request.max_tokens

    async def events(self, reservation: usage.Reservation | None) -> AsyncGenerator[Visible, None]:
        """Yield the text that may be shown, and then set ``answer`` or ``hand_over_reason``.

        Raise ``ProviderError`` without a complete answer. Settle the reservation in any case.
        """
        end: EndReason | ErrorKind = ErrorKind.INCOMPLETE
        try:
            client = self._make_client()
            stream = cast("AsyncGenerator[ModelEvent, None]", client.stream(self.request))
            try:
                while (event := await self._next(stream)) is not None:
                    if isinstance(event, End):
                        end = event.reason
                    elif text := self._read(event):
                        self.has_shown = True
                        yield Visible(text)
            finally:
                await stream.aclose()
                await client.aclose()
            self._require_complete(end)
            if self.hand_over_reason is None:
                self.answer = self._parser.finish()
        except ProviderError as error:
            end = error.kind
            await run_query(results.record_error, self.provider, error)
            raise
        finally:
            self.end_reason = end
            if reservation is not None:
                # Also if the task is cancelled meanwhile.
                await asyncio.shield(self._settle(reservation, end))

    def _make_client(self) -> ModelClient:
        if self.provider.is_builtin:
            return BuiltinClient(self._sources, language=self._language)
        return make_client(self.provider)

    async def _next(self, stream: AsyncGenerator[ModelEvent, None]) -> ModelEvent | None:
        """Return the next event, or ``None`` after the last one."""
        is_waiting = not self.has_shown
        deadline = min(self._deadline, self._first_deadline) if is_waiting else self._deadline
        try:
            # Per event: a timeout around ``yield`` would cancel the consumer.
            async with asyncio.timeout(deadline - monotonic()):
                # Events that have arrived must not pass a deadline.
                await asyncio.sleep(0)
                return await anext(stream)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            what = "first word" if is_waiting else "complete answer"
            seconds = monotonic() - self._started
            message = f"{self.provider.name} gave no {what} within {seconds:.1f} seconds."
            raise ProviderError(ErrorKind.TIMEOUT, message) from None

    def _read(self, event: ModelEvent) -> str:
        """Return the text of an event that may be shown."""
        if isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, ToolCall):
            if event.name == HAND_OVER and self.request.may_hand_over:
                self.hand_over_reason = str(event.arguments.get("reason", ""))[:_REASON_LENGTH]
        elif isinstance(event, TextDelta) and event.text:
            if self.first_token_ms is None:
                self.first_token_ms = round((monotonic() - self._started) * 1000)
            # Text beside a hand-over is not shown.
            if self.hand_over_reason is None:
                return self._add(event.text)
        return ""

    def _add(self, text: str) -> str:
        """Add text of the answer, and return the visible part, from its first visible text on."""
        self._waiting += self._parser.feed(text)
        if self._parser.length > MAX_TEXT_LENGTH:
            self.is_cut = True
            raise ProviderError(ErrorKind.INCOMPLETE, _TOO_LONG)
        if not self.has_shown and not has_visible(self._waiting):
            return ""
        shown, self._waiting = self._waiting, ""
        return shown

    def _require_complete(self, end: EndReason | ErrorKind) -> None:
        if self.hand_over_reason is None and end in _CUT:
            self.is_cut = True
            raise ProviderError(ErrorKind.INCOMPLETE, _CUT[EndReason(end)])

    async def _settle(self, reservation: usage.Reservation, end: EndReason | ErrorKind) -> None:
        total_ms = round((monotonic() - self._started) * 1000)

        def settle() -> None:
            usage.settle(reservation, self.usage, end, self.first_token_ms, total_ms)
            if isinstance(end, EndReason):
                results.record_ok(self.provider)

        await run_in_turn(settle)
