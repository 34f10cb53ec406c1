"""The clients of both protocols, against a server of faulty models."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from llmock.pytest_plugin import LLMock
from pytest_django import Settings

from organizations.ai.client import HAND_OVER, Turn
from organizations.ai.clients import make_client
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import End, EndReason, TextDelta, ToolCall, Usage
from organizations.ai.providers import ProviderSettings
from organizations.models.ai_provider import ProviderKind
from tests.support import event_loops
from tests.support.ai import API_KEY, REQUEST, call, make_settings
from tests.support.http_server import NOT_FOUND, http_response, responding

TEXT = "We are open from Monday to Friday."
KINDS = ("openai", "anthropic")

#: Twelve faults, and the class of the error.
FAULTS: dict[str, tuple[Callable[[LLMock], LLMock], ErrorKind]] = {
    "429": (lambda server: server.rate_limit(retry_after=2), ErrorKind.RATE_LIMITED),
    "500": (lambda server: server.fail(500), ErrorKind.SERVER_ERROR),
    "503": (lambda server: server.outage(), ErrorKind.SERVER_ERROR),
    "408": (lambda server: server.fail(408), ErrorKind.TIMEOUT),
    "quota": (lambda server: server.fail(429, code="insufficient_quota"), ErrorKind.QUOTA),
    "401": (lambda server: server.fail(401), ErrorKind.UNAUTHORIZED),
    "403": (lambda server: server.fail(403), ErrorKind.FORBIDDEN),
    "404": (lambda server: server.fail(404), ErrorKind.NOT_FOUND),
    "overflow": (lambda server: server.context_overflow(), ErrorKind.CONTEXT_OVERFLOW),
    "truncate": (lambda server: server.truncate(after_chunks=3), ErrorKind.INCOMPLETE),
    "disconnect": (lambda server: server.disconnect(after_chunks=3), ErrorKind.INCOMPLETE),
    "stall": (lambda server: server.stall(after_chunks=3, seconds=0.5), ErrorKind.TIMEOUT),
}


def fail(settings: ProviderSettings) -> ProviderError:
    """Return the error of a call that must fail."""
    with pytest.raises(ProviderError) as error:
        call(settings)
    return error.value


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_is_a_classified_error_after_one_attempt(
    kind: str, model_server: LLMock
) -> None:
    """A retry is a decision of the caller, who knows the deadline."""
    settings = make_settings(model_server.base_url(kind), kind)
    found = {}
    for name, (inject, _) in FAULTS.items():
        inject(model_server.reset().reply(TEXT))
        # The limit of the time between two chunks.
        error = fail(replace(settings, total_seconds=0.2) if name == "stall" else settings)
        found[name] = error.kind
        assert len(model_server.requests) == 1, name
        assert API_KEY not in error.message
    assert found == {name: expected for name, (_, expected) in FAULTS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_is_text_usage_and_end(kind: str, model_server: LLMock) -> None:
    model_server.reply(TEXT)
    *deltas, usage, end = call(make_settings(model_server.base_url(kind), kind))
    assert [type(delta) for delta in deltas] == 7 * [TextDelta]
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == TEXT
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
    assert not usage.is_estimated
    assert end == End(EndReason.STOP)
    body = model_server.last_request.body
    assert body["model"] == "model-1"
    assert body["max_tokens"] == 200
    assert body["messages"][-1] == {"role": "user", "content": "When are you open?"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_only_tool_is_the_hand_over(kind: str, model_server: LLMock) -> None:
    settings = make_settings(model_server.base_url(kind), kind)
    model_server.call_tool(HAND_OVER, {"reason": "asked"})
    assert [event for event in call(settings) if not isinstance(event, Usage)] == [
        ToolCall(HAND_OVER, {"reason": "asked"}),
        End(EndReason.TOOL_CALL),
    ]
    (tool,) = model_server.last_request.body["tools"]
    assert HAND_OVER in (tool.get("name"), tool.get("function", {}).get("name"))
    # The call is clear without its arguments.
    model_server.call_tool(HAND_OVER).break_tool_call("malformed_arguments")
    assert ToolCall(HAND_OVER, {}) in call(settings)
    model_server.call_tool("delete_everything", {"now": True})
    assert fail(settings).kind == ErrorKind.MALFORMED
    model_server.reply(TEXT)
    call(settings, replace(REQUEST, may_hand_over=False))
    assert "tools" not in model_server.last_request.body


def test_a_corrupt_chunk_is_malformed(model_server: LLMock) -> None:
    """The SDK of Anthropic skips a chunk without an event name, and no text is lost."""
    model_server.reply(TEXT).corrupt(after_chunks=3)
    assert fail(make_settings(model_server.base_url("openai"))).kind == ErrorKind.MALFORMED


@pytest.mark.parametrize("kind", KINDS)
def test_the_wish_of_the_provider_is_kept(kind: str, model_server: LLMock) -> None:
    model_server.rate_limit(retry_after=7)
    error = fail(make_settings(model_server.base_url(kind), kind))
    assert error.retry_after == 7
    assert error.is_retryable


@pytest.mark.parametrize("kind", KINDS)
def test_cancelling_closes_the_connection(kind: str, model_server: LLMock) -> None:
    """The server notices it, while the stream stalls for 30 seconds."""
    model_server.reply(TEXT).stall(after_chunks=4, seconds=30)
    settings = make_settings(model_server.base_url(kind), kind)

    async def cancel_after_the_first_text() -> float:
        client = make_client(settings)
        received = asyncio.Event()

        async def read() -> None:
            async for _ in client.stream(REQUEST):
                received.set()

        task = asyncio.create_task(read())
        await received.wait()
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        seconds = time.monotonic() - started
        await client.aclose()
        return seconds

    assert event_loops.run(cancel_after_the_first_text()) < 1
    # Waits for the end of the request, which comes after 30 seconds without the disconnect.
    assert not model_server.last_request.completed


@pytest.mark.parametrize("kind", KINDS)
def test_no_credential_of_the_environment_is_sent(
    kind: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """A provider of an organization must not get what the operator has set for other programs."""
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_ADMIN_KEY",
        "OPENAI_ORG_ID",
        "OPENAI_PROJECT_ID",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
    ):
        monkeypatch.setenv(name, "secret-of-the-operator")
    for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "x-operator: secret-of-the-operator")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with responding(NOT_FOUND, NOT_FOUND) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        with_key = make_settings(f"http://{server.address}/v1", kind)
        for provider in (with_key, replace(with_key, api_key="")):
            assert fail(provider).kind == ErrorKind.NOT_FOUND
    with_key_sent, without_key_sent = server.requests
    assert API_KEY in with_key_sent
    assert "secret-of-the-operator" not in with_key_sent
    assert "authorization:" not in without_key_sent.lower()
    assert "x-api-key:" not in without_key_sent.lower()


def test_a_model_that_accepts_no_temperature_is_called_without(settings: Settings) -> None:
    refusal = {"message": "Not supported with this model.", "param": "temperature"}
    with responding(http_response(400, json.dumps({"error": refusal})), NOT_FOUND) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        error = fail(make_settings(f"http://{server.address}/v1"))
    assert error.kind == ErrorKind.NOT_FOUND
    with_temperature, without = server.requests
    assert '"temperature":0.5' in with_temperature
    assert "temperature" not in without


def test_a_rate_limit_that_mentions_billing_is_no_quota(model_server: LLMock) -> None:
    message = "Rate limit reached. Add a payment method at https://example.com/account/billing."
    model_server.fail(429, message=message)
    assert fail(make_settings(model_server.base_url("openai"))).kind == ErrorKind.RATE_LIMITED


def test_history_that_begins_with_an_answer(model_server: LLMock) -> None:
    """The protocol of Anthropic requires a message of the user first."""
    model_server.reply(TEXT)
    turns = (Turn("assistant", "Hello!"), *REQUEST.turns, Turn("assistant", "At nine."))
    request = replace(REQUEST, turns=turns)
    call(make_settings(model_server.base_url("anthropic"), "anthropic"), request)
    roles = [message["role"] for message in model_server.last_request.body["messages"]]
    assert roles == ["user", "assistant"]


def test_builtin_and_a_key_that_cannot_be_decrypted_have_no_client() -> None:
    settings = make_settings("https://api.example.com")
    with pytest.raises(ValueError, match="builtin"):
        make_client(replace(settings, kind=ProviderKind.BUILTIN))
    with pytest.raises(ProviderError) as error:
        make_client(replace(settings, key_error="Enter the API key again."))
    assert error.value.kind == ErrorKind.UNAUTHORIZED
