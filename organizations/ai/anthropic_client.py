"""The client for Anthropic and compatible endpoints: messages.

Importing this module imports the SDK.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

import anthropic
import httpx2
from anthropic.types import MessageParam, RawMessageStreamEvent, ToolParam

from organizations.ai import streams
from organizations.ai.client import HAND_OVER, ModelClient, ModelRequest
from organizations.ai.events import End, EndReason, ModelEvent, TextDelta
from organizations.ai.guard import make_http_client
from organizations.ai.providers import ProviderSettings
from organizations.ai.text import remove_unstorable

_ERRORS: Final = (anthropic.AnthropicError, httpx2.HTTPError, *streams.PARSE_ERRORS)
_REASONS: Final = {
    "end_turn": EndReason.STOP,
    "stop_sequence": EndReason.STOP,
    "max_tokens": EndReason.LENGTH,
    "model_context_window_exceeded": EndReason.LENGTH,
    "tool_use": EndReason.TOOL_CALL,
    "refusal": EndReason.CONTENT_FILTER,
}
_INPUT_COUNTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_TOOL: Final[ToolParam] = {
    "name": HAND_OVER,
    "description": streams.TOOL_DESCRIPTION,
    "input_schema": dict(streams.TOOL_ARGUMENTS),
}


class _Response:
    """The state of a stream after its events so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reason: EndReason | None = None
        self.is_stopped = False
        #: The reported tokens, of any type.
        self.input_tokens: object = None
        self.output_tokens: object = None
        #: The name and the JSON of the arguments of each tool call, by index.
        self.calls: dict[int, list[str]] = {}

    def add(self, event: RawMessageStreamEvent) -> str:
        """Add an event, and return its text."""
        match event.type:
            case "message_start":
                self._add_usage(event.message.usage)
            case "content_block_start":
                if event.content_block.type == "tool_use":
                    self.calls[event.index] = [event.content_block.name, ""]
            case "content_block_delta":
                return self._add_delta(event.index, event.delta)
            case "message_delta":
                self.reason = _REASONS.get(event.delta.stop_reason or "")
                self._add_usage(event.usage)
            case "message_stop":
                self.is_stopped = True
        return ""

    def _add_delta(self, index: int, delta: anthropic.types.RawContentBlockDelta) -> str:
        if delta.type == "input_json_delta":
            call = self.calls[index]
            call[1] = streams.append_to_call(call[1], delta.partial_json)
        if delta.type != "text_delta":
            return ""
        text = remove_unstorable(delta.text)
        self.texts.append(text)
        return text

    def _add_usage(self, usage: object) -> None:
        """Keep the latest numbers: those of ``message_delta`` are cumulative."""
        if getattr(usage, "input_tokens", None) is not None:
            reported = [getattr(usage, name, None) for name in _INPUT_COUNTS]
            # The tokens of the cache may be left out.
            given = [count for count in reported if count is not None]
            counts = [count for count in given if streams.is_token_count(count)]
            self.input_tokens = sum(counts) if counts == given else None
        self.output_tokens = getattr(usage, "output_tokens", None)


class AnthropicClient:
    """A ``ModelClient`` for Anthropic and compatible endpoints.

    The protocol has had no temperature since its version 2026-10-21, which the SDK uses.
    """

    def __init__(self, settings: ProviderSettings, http_client: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._client = anthropic.AsyncAnthropic(
            # The transport sends the API key. An explicit one keeps the SDK from reading the
            # environment and the disk.
            api_key="unused",
            base_url=settings.base_url,
            max_retries=0,
            timeout=http_client.timeout,
            http_client=http_client,
        )

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Return the events of one call: see ``ModelClient``."""
        return streams.classified(self._events(request), self._settings, _ERRORS)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _events(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        response = _Response()
        stream = await self._client.messages.create(
            model=request.model,
            system=request.system or anthropic.omit,
            messages=_messages(request),
            max_tokens=request.max_tokens,
            tools=[_TOOL] if request.may_hand_over else anthropic.omit,
            stream=True,
        )
        async with stream:
            async for event in stream:
                if text := response.add(event):
                    yield TextDelta(text)
        if response.reason is None or not response.is_stopped:
            return
        for call in streams.parse_tool_calls(response.calls):
            yield call
        yield streams.make_usage(
            response.input_tokens,
            response.output_tokens,
            request=request,
            output="".join(response.texts),
        )
        yield End(EndReason.TOOL_CALL if response.calls else response.reason)


def _messages(request: ModelRequest) -> list[MessageParam]:
    """Return the messages from the first one of the visitor on: the protocol requires it."""
    messages: list[MessageParam] = []
    for turn in request.turns:
        if turn.role == "visitor":
            messages.append({"role": "user", "content": turn.text})
        elif messages:
            messages.append({"role": "assistant", "content": turn.text})
    return messages


def make_client(settings: ProviderSettings) -> ModelClient:
    """Return a client with its own connections."""
    headers = {}
    if settings.api_key:
        # The SDK sends the second one only, but compatible servers may support the first one only.
        headers = {
            "x-api-key": settings.api_key,
            "authorization": f"Bearer {settings.api_key}",
        }
    http_client = make_http_client(
        headers, read_seconds=settings.total_seconds, organization_id=settings.organization_id
    )
    return AnthropicClient(settings, http_client)
