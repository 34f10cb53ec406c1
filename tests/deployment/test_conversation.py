"""Messages while processes are killed: a tenth of ``python -m tests.benchmarks.conversation``."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.deployment.conversation_faults import cut_responses, cut_streams, kill_one
from tests.deployment.conversation_stack import Stack, running_stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The service with its streams, as in production."""
    with running_stack(GRANIAN_WORKERS="1") as running:
        yield running


def test_cut_responses_store_each_message_once(stack: Stack) -> None:
    figures = asyncio.run(cut_responses(stack, count=10))
    assert figures["cut"] >= 9


def test_a_cut_stream_misses_and_repeats_nothing(stack: Stack) -> None:
    figures = asyncio.run(cut_streams(stack, count=20, cuts=2))
    assert figures["connections"] == 3


@pytest.mark.parametrize("victim", ["live", "web", "valkey", "postgres"])
def test_a_killed_process_loses_and_repeats_no_message(stack: Stack, victim: str) -> None:
    figures = asyncio.run(kill_one(stack, victim, visitors=2, seconds=2))
    assert figures["messages"] > 2
