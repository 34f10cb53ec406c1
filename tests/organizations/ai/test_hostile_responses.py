"""Responses of servers that keep to neither protocol nor reason."""

from typing import Any

import pytest
from pytest_django import Settings

from organizations.ai.events import End, EndReason, TextDelta, Usage
from tests.support.ai import call, make_settings
from tests.support.http_server import http_response, responding
from tests.support.model_streams import anthropic_stream, openai_stream

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
