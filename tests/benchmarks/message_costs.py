"""``python -m tests.benchmarks.message_costs``: the costs of a message for each process.

All services run behind Caddy, with PostgreSQL and Valkey. Panels with open streams ask questions.
First the AI answers, then a representative, by the API. Prints the CPU time of each process for a
question and its answer, and what PostgreSQL commits and writes for them.
"""

import argparse
import asyncio
import json
import time
from functools import partial
from typing import Any, Final

import psutil
import psycopg

from tests.deployment.chaos_stack import ChaosStack, running_chaos_stack
from tests.deployment.conversation_faults import cancel, check_order, reply, wait_until
from tests.deployment.panels import Panel, open_panels, wait_until_open

#: Seconds between an answer and the next question.
_READING: Final = 1
_PROGRAMS: Final = ("web-1", "live", "worker", "valkey")
_COUNTS: Final = (
    "SELECT xact_commit, (SELECT wal_bytes FROM pg_stat_wal)"
    " FROM pg_stat_database WHERE datname = current_database()"
)


def find_processes(stack: ChaosStack) -> dict[str, psutil.Process]:
    """Return the processes by name. PostgreSQL and the proxy are children of this one."""
    found = {name: psutil.Process(stack.parts[name].process.pid) for name in _PROGRAMS}
    for child in psutil.Process().children():
        if child.name() in ("postgres", "caddy"):
            found[child.name()] = child
    return found


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of a process and its children, with those that have ended."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(
        each.user + each.system + each.children_user + each.children_system for each in times
    )


def has_received(panel: Panel, count: int) -> bool:
    """Return whether the panel shows so many messages."""
    return len(panel.received) >= count


async def ask(stack: ChaosStack, panel: Panel, number: int, until: float, by_ai: bool) -> int:
    """Ask one question after the other, and return their number."""
    asked, shown = 0, len(panel.received)
    while time.monotonic() < until:
        asked, shown = asked + 1, shown + 2
        await panel.send(f"Question {number}.{asked}")
        if not by_ai:
            await reply(stack, panel, f"Answer to {number}.{asked}")
        await wait_until(partial(has_received, panel, shown))
        await asyncio.sleep(_READING)
    return asked


async def measure(
    stack: ChaosStack, webchat: str, count: int, seconds: float, *, by_ai: bool
) -> dict[str, Any]:
    """Return the costs of a question and its answer, by process."""
    panels = await open_panels(stack.port, webchat, count, "Question 0.0")
    listeners = [asyncio.create_task(panel.listen()) for panel in panels]
    await wait_until_open(panels)
    # Until the first questions are answered.
    await asyncio.sleep(6)
    processes = find_processes(stack)
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    counts, started = read_counts(stack), time.monotonic()
    talks = [
        ask(stack, panel, number, started + seconds, by_ai)
        for number, panel in enumerate(panels, start=1)
    ]
    questions = sum(await asyncio.gather(*talks))
    passed = time.monotonic() - started
    after = {name: cpu_seconds(process) for name, process in processes.items()}
    # The server collects the statistics of its processes within a second.
    await asyncio.sleep(2)
    written = [new - old for new, old in zip(read_counts(stack), counts, strict=True)]
    await cancel(listeners)
    check_order(panels)
    return {
        "questions": questions,
        "per second": round(questions / passed, 1),
        **{
            f"{name}, ms": round(1000 * (after[name] - before[name]) / questions, 2)
            for name in sorted(after)
        },
        "transactions": round(written[0] / questions, 1),
        "log, KiB": round(written[1] / questions / 1024, 1),
    }


def read_counts(stack: ChaosStack) -> tuple[int, int]:
    """Return the number of transactions, and of bytes in the write-ahead log."""
    with psycopg.connect(stack.database_url) as connection:
        row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def main() -> None:
    """Measure both kinds of answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with running_chaos_stack(reps=1, instances=1) as stack:
        answered, staffed = stack.seeded["webchats"]
        for name, webchat, by_ai in (("AI", answered, True), ("person", staffed, False)):
            figures = asyncio.run(
                measure(stack, webchat, options.panels, options.seconds, by_ai=by_ai)
            )
            print(name, json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
