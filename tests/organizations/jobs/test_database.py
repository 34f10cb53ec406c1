"""Queries of event loops."""

import asyncio
from threading import Event

from organizations.jobs.database import SLOW_THREADS, run_query, run_slow_query
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
