"""Queries of event loops."""

import asyncio
from threading import Event
from time import sleep

from organizations.jobs.database import (
    SLOW_THREADS,
    run_batch,
    run_in_turn,
    run_query,
    run_slow_query,
)
from tests.support import event_loops


def test_queries_do_not_wait_for_slow_ones() -> None:
    may_end = Event()

    async def run() -> bool:
        slow = [run_slow_query(may_end.wait, 10) for _ in range(2 * SLOW_THREADS)]
        waiting = asyncio.gather(*slow)
        try:
            async with asyncio.timeout(5):
                return await run_query(lambda: not may_end.is_set())
        finally:
            may_end.set()
            await waiting

    assert event_loops.run(run())


def test_a_running_batch_has_precedence() -> None:
    log: list[str] = []
    begun, may_end = Event(), Event()

    def batch() -> None:
        begun.set()
        may_end.wait(0.05)
        log.append("batch")

    async def run_both() -> None:
        running = asyncio.ensure_future(run_batch(batch))
        await asyncio.to_thread(begun.wait)
        await asyncio.gather(running, run_in_turn(log.append, "turn"))

    event_loops.run(run_both())
    assert log == ["batch", "turn"]


def test_a_batch_that_hangs_keeps_nothing_from_its_turn() -> None:
    begun, may_end = Event(), Event()

    def batch() -> bool:
        begun.set()
        return may_end.wait(5)

    async def run_both() -> bool:
        running = asyncio.ensure_future(run_batch(batch))
        await asyncio.to_thread(begun.wait)
        await run_in_turn(may_end.set)
        return await running

    assert event_loops.run(run_both())


def test_a_turn_that_hangs_keeps_nothing_from_the_next() -> None:
    may_end = Event()

    async def run_both() -> bool:
        hanging = asyncio.ensure_future(run_in_turn(may_end.wait, 5))
        await run_in_turn(may_end.set)
        return await hanging

    assert event_loops.run(run_both())


def test_turns_follow_one_another() -> None:
    log: list[str] = []

    def log_both(name: str) -> None:
        log.append(name)
        sleep(0.01)
        log.append(name)

    async def run_all() -> None:
        await asyncio.gather(*(run_in_turn(log_both, name) for name in "abc"))

    event_loops.run(run_all())
    assert log[::2] == log[1::2]
