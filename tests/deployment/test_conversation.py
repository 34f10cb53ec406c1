"""Messages while connections are cut and processes are killed.

Short forms of ``python -m tests.benchmarks.conversation`` and of ``tests.deployment.chaos``.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deployment.chaos import Chaos
from tests.deployment.chaos_reps import Rep, Shown
from tests.deployment.chaos_stack import ChaosStack, faults, running_chaos_stack
from tests.deployment.conversation_faults import cut_responses, cut_streams
from tests.deployment.paced_model import answer_to
from tests.deployment.panels import Panel
from tests.support import event_loops


@pytest.fixture(scope="module")
def stack() -> Iterator[ChaosStack]:
    """The service with streams and a worker, as in production."""
    with running_chaos_stack(reps=2, instances=1, GRANIAN_WORKERS="1") as running:
        yield running


def test_cut_responses_store_each_message_once(stack: ChaosStack) -> None:
    figures = event_loops.run(cut_responses(stack, count=10))
    assert figures["cut"] >= 9


def test_a_cut_stream_misses_and_repeats_nothing(stack: ChaosStack) -> None:
    figures = event_loops.run(cut_streams(stack, count=20, cuts=2))
    assert figures["connections"] == 3


def test_faults_of_all_parts_lose_and_repeat_nothing(stack: ChaosStack) -> None:
    seed = random.randrange(10**6)
    kinds = {
        name: fault
        for name, fault in faults(pause=1, replaced=(), down=0.2).items()
        if name != "kill web-2"
    }
    chaos = Chaos(stack, random.Random(seed), between=(0, 0.2))
    figures = event_loops.run(chaos.run(visitors=4, seconds=0, kinds=kinds))
    assert not chaos.problems, (seed, chaos.faults, chaos.problems)
    assert figures["faults"] == len(kinds) == 7


QUESTION, ANSWER = "Question 1.0", f"{answer_to('Question 1.0')} yes"
ROWS = [(1, QUESTION), (2, ANSWER)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"rows": [ROWS[0]]}, "0 answers"),
        ({"rows": [*ROWS, (3, ANSWER)]}, "2 answers"),
        ({"rows": [*ROWS, (3, QUESTION)]}, "2 times stored"),
        ({"rows": [ROWS[1]]}, "0 times stored"),
        ({"rows": [ROWS[0], (3, ANSWER)]}, "a gap"),
        ({"received": [QUESTION]}, "shows"),
        ({"received": [QUESTION, ANSWER, ANSWER]}, "shows"),
        ({"sequences": [1, 2, 2]}, "shows [1, 2, 2]"),
        ({"screen": [ROWS[0]]}, "a representative sees"),
    ],
)
def test_the_check_after_faults_finds_errors(changes: dict[str, Any], problem: str) -> None:
    rows = changes.get("rows", ROWS)
    panel = Panel(0, conversation="c", acknowledged=[QUESTION])
    panel.received = changes.get("received", [text for _, text in rows])
    panel.sequences = changes.get("sequences", [1, 2])
    rep = Rep(0, screen={"c": [Shown(at, "", text) for at, text in changes.get("screen", rows)]})
    chaos = Chaos(None, random.Random(), panels=[panel], reps=[rep])  # type: ignore[arg-type]
    chaos._check_conversation(panel, rows)
    assert problem in "; ".join(chaos.problems)
    assert bool(chaos.problems) == bool(problem)
