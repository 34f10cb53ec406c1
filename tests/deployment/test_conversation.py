"""Messages while processes are killed: a tenth of ``python -m tests.benchmarks.conversation``."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deployment.conversation_faults import Figures, cut_responses, cut_streams, kill_one
from tests.deployment.conversation_stack import Stack, running_stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The service with its streams, as in production."""
    with running_stack(GRANIAN_WORKERS="1") as running:
        yield running


def run(coroutine: Coroutine[None, None, Figures]) -> Figures:
    """Run the coroutine. In this thread, Playwright may keep an event loop running."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


def test_cut_responses_store_each_message_once(stack: Stack) -> None:
    figures = run(cut_responses(stack, count=10))
    assert figures["cut"] >= 9


def test_a_cut_stream_misses_and_repeats_nothing(stack: Stack) -> None:
    figures = run(cut_streams(stack, count=20, cuts=2))
    assert figures["connections"] == 3


@pytest.mark.parametrize("victim", ["live", "web", "valkey", "postgres"])
def test_a_killed_process_loses_and_repeats_no_message(stack: Stack, victim: str) -> None:
    figures = run(kill_one(stack, victim, visitors=2, seconds=2))
    assert figures["messages"] > 2
