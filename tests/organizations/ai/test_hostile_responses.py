"""Responses of servers that keep to neither protocol nor reason."""

import asyncio
import json
from typing import Any

import pytest
from pytest_django import Settings

from organizations.ai.client import HAND_OVER
from organizations.ai.clients import make_client
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import End, EndReason, TextDelta, ToolCall, Usage
from organizations.ai.providers import ProviderSettings
from tests.support import event_loops
from tests.support.ai import API_KEY, call, collect, make_settings
from tests.support.http_server import http_response, responding
from tests.support.model_streams import (
    anthropic_stream,
    hand_over_stream,
    openai_event,
    openai_stream,
)

#: What a provider may send in place of a number of tokens.
NO_COUNTS: list[Any] = ["many", None, -1, 12.7, 2**40, float("nan"), [1], {}]


def test_usage_without_counts_of_tokens_is_estimated(settings: Settings) -> None:
    """OpenAI's protocol."""
    reports = [{"prompt_tokens": count, "completion_tokens": 5} for count in NO_COUNTS]
    reports += [{"prompt_tokens": 5, "completion_tokens": count} for count in NO_COUNTS]
    bodies = [openai_stream("Yes.", usage=report) for report in [*reports, {}, [1, 2], 7]]
    with responding(*(http_response(200, body) for body in bodies)) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        for body in bodies:
            provider = make_settings(f"http://{server.address}/v1")
            assert call(provider) == [TextDelta("Yes."), Usage(14, 2, True), End(EndReason.STOP)], (
                body
            )


@pytest.mark.parametrize("name", ["input_tokens", "output_tokens", "cache_read_input_tokens"])
def test_usage_without_counts_of_tokens_is_estimated_in_the_protocol_of_anthropic(
    name: str, settings: Settings
) -> None:
    # Without a number of cached tokens, none were cached.
    counts = [count for count in NO_COUNTS if count is not None or "cache" not in name]
    reports = [{"input_tokens": 5, "output_tokens": 5, name: count} for count in counts]
    bodies = [anthropic_stream("Yes.", usage=report) for report in [*reports, {}, [1, 2]]]
    with responding(*(http_response(200, body) for body in bodies)) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        for body in bodies:
            provider = make_settings(f"http://{server.address}", "anthropic")
            _, usage, end = call(provider)
            assert usage == Usage(14, 2, True), body
            assert end == End(EndReason.STOP)


#: What servers add to a choice.
ENVELOPE = {"finish_reason": None, "logprobs": None, "native_finish_reason": 160 * "x"}
TOOL_CALL = {"index": 0, "function": {"name": "", "arguments": 1000 * "x"}}
#: The text of an array that is nested too deep for a parser.
DEEP = 200_000 * "["
FAR_DATE = "Mon, 01 Jan 9999999999 00:00:00 GMT"
#: Error bodies and headers that cannot be stored or parsed, and the class of the error.
ERRORS = [
    (http_response(500, r'{"error": {"message": "A\u0000B\ud800C"}}'), ErrorKind.SERVER_ERROR),
    (http_response(500, f'{{"error": {DEEP}'), ErrorKind.SERVER_ERROR),
    (http_response(500, headers=f"retry-after: {FAR_DATE}\r\n"), ErrorKind.SERVER_ERROR),
    (http_response(200, f'data: {{"choices": {DEEP}\n\n'), ErrorKind.MALFORMED),
    (http_response(200, r'data: {"error": {"message": "\ud800"}}' "\n\n"), ErrorKind.SERVER_ERROR),
]


def test_an_error_that_cannot_be_stored_is_classified_and_cleaned(settings: Settings) -> None:
    with responding(*(response for response, _ in ERRORS)) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        for _, kind in ERRORS:
            with pytest.raises(ProviderError) as error:
                call(make_settings(f"http://{server.address}/v1"))
            assert error.value.kind == kind
            assert "\0" not in error.value.message
            assert error.value.message.encode()


def test_a_key_that_is_interrupted_by_nul_is_not_quoted(settings: Settings) -> None:
    message = f"Invalid: {API_KEY[:9]}\0{API_KEY[9:]}"
    with responding(http_response(400, json.dumps({"error": {"message": message}}))) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        with pytest.raises(ProviderError) as error:
            call(make_settings(f"http://{server.address}/v1"))
    assert error.value.message.endswith("Invalid: …")


def test_text_and_arguments_are_without_nul_and_surrogates(settings: Settings) -> None:
    arguments = [r'{"reason": "A\u0000B\ud800C"}', f'{{"reason": {DEEP[:5000]}', '{"reason": [1]}']
    bodies = [hand_over_stream(text) for text in arguments]
    anthropic = anthropic_stream("A\0", "\ud800B", usage={})
    bodies = [openai_stream("A\0", "\0", "\ud800B"), anthropic, *bodies]
    with responding(*(http_response(200, body) for body in bodies)) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        for kind, base in (("openai", "/v1"), ("anthropic", "")):
            events = call(make_settings(f"http://{server.address}{base}", kind))
            assert events[:-2] == [TextDelta("A"), TextDelta("B")]
        expected_arguments: list[dict[str, object]] = [{"reason": "ABC"}, {}, {}]
        for expected in expected_arguments:
            tool_call, *_ = call(make_settings(f"http://{server.address}/v1"))
            assert tool_call == ToolCall(HAND_OVER, expected)


def test_an_answer_of_single_characters_in_long_chunks_is_read(settings: Settings) -> None:
    """With 4,000 characters and as many chunks of reasoning before them."""
    thoughts = 4000 * openai_event({"reasoning_content": "x"}, **ENVELOPE)
    body = thoughts + 4000 * openai_event({"content": "x"}, **ENVELOPE) + openai_stream()
    with responding(http_response(200, body)) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        *texts, _, end = call(make_settings(f"http://{server.address}/v1"))
    assert len(texts) == 4000
    assert end == End(EndReason.STOP)


@pytest.mark.parametrize(
    "body",
    [
        4_200_000 * "x",
        110_000 * ":\n\n",
        110_000 * ":\r\r",
        5_000 * ":\r",
        3_000 * ":\n\r\n",
        'data: {"choices":[' + 4_000 * "{}," + "{}]}\n\n",
        "".join(openai_event({"tool_calls": [TOOL_CALL]}) for _ in range(11)),
    ],
    ids=["bytes", "lines", "returns", "returns of an event", "mixed ends", "elements", "arguments"],
)
def test_a_too_large_response_is_refused(body: str, settings: Settings) -> None:
    """Its end would make it a complete answer."""
    with responding(http_response(200, body + openai_stream("x"))) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        with pytest.raises(ProviderError) as error:
            call(make_settings(f"http://{server.address}/v1"))
    assert error.value.kind == ErrorKind.MALFORMED


def test_a_flood_of_events_does_not_block_the_event_loop(settings: Settings) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def run(provider: ProviderSettings) -> None:
        client = make_client(provider)
        counter = asyncio.create_task(count_turns())
        await collect(client)
        counter.cancel()

    flood = 10_000 * 'data: {"choices":[]}\n\n'
    with responding(http_response(200, flood + openai_stream("x"))) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        event_loops.run(run(make_settings(f"http://{server.address}/v1")))
    # Another task has a turn after each 4 KiB of 220.
    assert turns > 50
