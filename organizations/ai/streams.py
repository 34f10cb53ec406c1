"""What the clients of both protocols share."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Final, TypedDict, TypeGuard

from organizations.ai.client import HAND_OVER, ModelRequest
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import End, ModelEvent, ToolCall, Usage
from organizations.ai.failures import classify, make_error
from organizations.ai.providers import ProviderSettings
from organizations.ai.text import remove_unstorable

#: More tokens than any model can read or write in a call.
_MAX_TOKENS: Final = 100_000_000
#: Characters of the JSON of a tool call's arguments, which are one short text.
_MAX_CALL_LENGTH: Final = 10_000
#: UTF-8 bytes of a token, for estimates.
_BYTES_PER_TOKEN: Final = 3
#: What parsing raises for a response that is not of the protocol. The SDKs do not validate it.
PARSE_ERRORS: Final = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)

TOOL_DESCRIPTION: Final = (
    "Hand the conversation over to a person. Call this if the visitor asks for a person or needs "
    "one."
)


class ToolSchema(TypedDict):
    """The JSON Schema of a tool's arguments."""

    type: str
    properties: dict[str, dict[str, str]]


TOOL_ARGUMENTS: Final[ToolSchema] = {
    "type": "object",
    "properties": {"reason": {"type": "string", "description": "Why, in a few words."}},
}


def estimate_tokens(text: str) -> int:
    """Return about how many tokens the text has."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


def estimate_usage(request: ModelRequest, output: str) -> Usage:
    """Return the usage of a call whose provider does not report it."""
    given = request.system + "".join(turn.text for turn in request.turns)
    return Usage(estimate_tokens(given), estimate_tokens(output), is_estimated=True)


def make_usage(
    input_tokens: object, output_tokens: object, *, request: ModelRequest, output: str
) -> Usage:
    """Return the usage that a provider reports, or an estimate if it is no count of tokens.

    The SDKs return the numbers as they are in the JSON, of any type.
    """
    if is_token_count(input_tokens) and is_token_count(output_tokens):
        return Usage(input_tokens, output_tokens)
    return estimate_usage(request, output)


def is_token_count(value: object) -> TypeGuard[int]:
    """Return whether a value can be a number of tokens: an integer from 0 to 100 million."""
    return type(value) is int and 0 <= value <= _MAX_TOKENS


def append_to_call(text: str, more: str) -> str:
    """Return the longer name or JSON of a tool call. Raise ``ProviderError`` if it is too long."""
    if len(text) + len(more) > _MAX_CALL_LENGTH:
        raise ProviderError(ErrorKind.MALFORMED, "The model called a tool with too long arguments.")
    return text + more


def parse_tool_calls(calls: Mapping[int, Sequence[str]]) -> list[ToolCall]:
    """Return the tool calls of a complete response from their names and JSON arguments.

    Malformed arguments are left out, because the call is clear without them. Raise
    ``ProviderError`` for a tool that the model was not offered.
    """
    if any(name != HAND_OVER for name, _ in calls.values()):
        raise ProviderError(ErrorKind.MALFORMED, "The model called a tool that does not exist.")
    return [ToolCall(name, _parse_arguments(arguments)) for name, arguments in calls.values()]


def _parse_arguments(text: str) -> dict[str, object]:
    """Return the arguments in ``TOOL_ARGUMENTS`` that are strings."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    given = parsed if isinstance(parsed, dict) else {}
    return {
        name: remove_unstorable(value)
        for name in TOOL_ARGUMENTS["properties"]
        if isinstance(value := given.get(name), str)
    }


async def classified(
    events: AsyncGenerator[ModelEvent, None],
    settings: ProviderSettings,
    sdk_errors: tuple[type[Exception], ...],
) -> AsyncGenerator[ModelEvent, None]:
    """Yield the events. Raise ``ProviderError`` for every failure, also for a missing ``End``."""
    is_complete = False
    try:
        async with aclosing(events):
            async for event in events:
                is_complete = isinstance(event, End)
                yield event
    except sdk_errors as error:
        # Without a cause: its message may quote the request.
        raise classify(error, settings) from error
    if not is_complete:
        raise make_error(ErrorKind.INCOMPLETE)
