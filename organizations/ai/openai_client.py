"""The client for OpenAI and compatible endpoints: chat completions.

Importing this module imports the SDK.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any, Final

import httpx2
import openai
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

from organizations.ai import streams
from organizations.ai.client import HAND_OVER, ModelClient, ModelRequest
from organizations.ai.events import End, EndReason, ModelEvent, TextDelta
from organizations.ai.guard import make_http_client
from organizations.ai.providers import ProviderSettings
from organizations.ai.text import remove_unstorable
from organizations.models.ai_provider import VENDOR_URLS, ProviderKind

_ERRORS: Final = (openai.OpenAIError, httpx2.HTTPError, *streams.PARSE_ERRORS)
#: Reasons of OpenAI and of compatible servers. Another one, such as ``error``, is no proper end.
_REASONS: Final = {
    "stop": EndReason.STOP,
    "length": EndReason.LENGTH,
    "tool_calls": EndReason.TOOL_CALL,
    "function_call": EndReason.TOOL_CALL,
    "content_filter": EndReason.CONTENT_FILTER,
}
_TOOL: Final[ChatCompletionFunctionToolParam] = {
    "type": "function",
    "function": {
        "name": HAND_OVER,
        "description": streams.TOOL_DESCRIPTION,
        "parameters": dict(streams.TOOL_ARGUMENTS),
    },
}


class _Response:
    """The state of a stream after its chunks so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reason: EndReason | None = None
        #: The reported input and output tokens, of any type.
        self.usage: tuple[object, object] = (None, None)
        #: The name and the JSON of the arguments of each tool call, by index.
        self.calls: dict[int, list[str]] = {}

    def add(self, chunk: Any) -> str:
        """Add a ``ChatCompletionChunk`` as it is in the JSON, and return its text."""
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        if not chunk.get("choices"):
            return ""
        choice = chunk["choices"][0]
        if (reason := choice.get("finish_reason")) is not None:
            self.reason = _REASONS.get(reason)
        delta = choice["delta"]
        self._add_calls(delta.get("tool_calls") or ())
        if delta.get("refusal"):
            self.reason = EndReason.CONTENT_FILTER
        text = remove_unstorable(delta.get("content") or "")
        self.texts.append(text)
        return text

    def _add_calls(self, deltas: Iterable[Any]) -> None:
        for delta in deltas:
            call = self.calls.setdefault(delta.get("index"), ["", ""])
            if (function := delta.get("function")) is not None:
                call[0] = streams.append_to_call(call[0], function.get("name") or "")
                call[1] = streams.append_to_call(call[1], function.get("arguments") or "")


class OpenAIClient:
    """A ``ModelClient`` for OpenAI and compatible endpoints."""

    def __init__(self, settings: ProviderSettings, http_client: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._client = openai.AsyncOpenAI(
            # The transport sends the API key.
            api_key="unused",
            base_url=settings.base_url,
            max_retries=0,
            timeout=http_client.timeout,
            http_client=http_client,
        )
        # OpenAI's models refuse one name, and other servers may not support the other one.
        is_openai = settings.base_url == VENDOR_URLS[ProviderKind.OPENAI]
        self._max_tokens_name = "max_completion_tokens" if is_openai else "max_tokens"

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Return the events of one call: see ``ModelClient``."""
        return streams.classified(self._events(request), self._settings, _ERRORS)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _events(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        response = _Response()
        async with await self._start(request) as stream:
            async for chunk in stream:
                if text := response.add(chunk):
                    yield TextDelta(text)
        if response.reason is None:
            return
        for call in streams.parse_tool_calls(response.calls):
            yield call
        yield streams.make_usage(*response.usage, request=request, output="".join(response.texts))
        yield End(EndReason.TOOL_CALL if response.calls else response.reason)

    async def _start(self, request: ModelRequest) -> openai.AsyncStream[object]:
        """Return the stream. Models that reason accept no temperature: then it is left out."""
        try:
            return await self._create(request, request.temperature)
        except openai.BadRequestError as error:
            if error.param != "temperature":
                raise
        return await self._create(request, None)

    async def _create(
        self, request: ModelRequest, temperature: float | None
    ) -> openai.AsyncStream[object]:
        body: dict[str, object] = {
            "model": request.model,
            "messages": _messages(request),
            "stream": True,
            "stream_options": {"include_usage": True},
            self._max_tokens_name: request.max_tokens,
        }
        if temperature is not None:
            body["temperature"] = temperature
        if request.may_hand_over:
            body["tools"] = [_TOOL]
        # As ``chat.completions.create``, which makes models of each chunk: 0.1 ms, not 0.01 ms.
        return await self._client.post(
            "/chat/completions",
            cast_to=object,
            body=body,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )


def _messages(request: ModelRequest) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = []
    if request.system:
        messages.append({"role": "system", "content": request.system})
    for turn in request.turns:
        if turn.role == "visitor":
            messages.append({"role": "user", "content": turn.text})
        else:
            messages.append({"role": "assistant", "content": turn.text})
    return messages


def make_client(settings: ProviderSettings) -> ModelClient:
    """Return a client with its own connections."""
    headers = {"authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    http_client = make_http_client(
        headers, read_seconds=settings.total_seconds, organization_id=settings.organization_id
    )
    return OpenAIClient(settings, http_client)
