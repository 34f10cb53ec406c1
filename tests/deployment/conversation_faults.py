"""Scenarios of faults: messages with cut connections and killed processes.

Each returns its figures, and fails if a message is lost, repeated or out of order.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tests.deployment.conversation_stack import Stack, stored_texts
from tests.deployment.cutting_proxy import CuttingProxy
from tests.deployment.panels import (
    FAILURES,
    Panel,
    open_panels,
    request,
    wait_until_open,
)

Figures = dict[str, Any]


async def cut_responses(stack: Stack, count: int = 100) -> Figures:
    """Send messages of one visitor, again with the same key when the response is cut."""
    [panel] = await open_panels(stack.port, stack.seeded["webchats"][-1], 1)
    proxy = CuttingProxy(stack.port)
    panel.port = await proxy.start()
    texts = [f"Message {number}" for number in range(count)]
    for text in texts:
        await panel.send(text)
    proxy.stop()
    rows = await asyncio.to_thread(stored_texts, stack.database_url, panel.conversation)
    assert [text for _, text in rows[1:]] == texts, rows
    assert [sequence for sequence, _ in rows] == list(range(1, count + 2))
    return {"requests": proxy.requests, "cut": proxy.cut, "rows": len(rows) - 1}


async def cut_streams(stack: Stack, count: int = 200, cuts: int = 20) -> Figures:
    """Send messages to one panel whose connection is cut from time to time."""
    [panel] = await open_panels(stack.port, stack.seeded["webchats"][-1], 1)
    listener = asyncio.create_task(panel.listen())
    await wait_until_open([panel])
    for number in range(count):
        await reply(stack, panel, f"Reply {number}")
        if number % (count // cuts) == count // cuts // 2:
            await wait_until_open([panel])
            panel.cut()
            panel.is_open = False
    expected = ["Hello from 0", *(f"Reply {number}" for number in range(count))]
    await wait_until(lambda: len(panel.received) >= len(expected))
    await asyncio.sleep(0.5)
    await cancel([listener])
    assert panel.received == expected
    check_order([panel])
    return {"messages": count, "connections": panel.connects, "received": len(panel.received)}


async def kill_one(stack: Stack, victim: str, *, visitors: int = 10, seconds: float = 8) -> Figures:
    """Let visitors write for some seconds while one process is killed and started again."""
    panels = await open_panels(stack.port, stack.seeded["webchats"][0], visitors)
    listeners = [asyncio.create_task(panel.listen()) for panel in panels]
    await wait_until_open(panels)
    deadline = time.monotonic() + seconds

    async def write(panel: Panel) -> None:
        number = 0
        while time.monotonic() < deadline:
            number += 1
            await panel.send(f"{victim} {number}")
            await asyncio.sleep(0.1)

    writers = [asyncio.create_task(write(panel)) for panel in panels]
    await asyncio.sleep(seconds / 4)
    killed_at = time.monotonic()
    await asyncio.to_thread(stack.restart, victim, after=1)
    restarted_at = time.monotonic()
    await asyncio.gather(*writers)
    await wait_until(lambda: all(panel.received == panel.acknowledged for panel in panels))
    caught_up_at = max(max(panel.arrived_at.values()) for panel in panels)
    await cancel(listeners)
    check_order(panels)
    for panel in panels:
        rows = await asyncio.to_thread(_stored, stack, panel.conversation)
        assert [text for _, text in rows] == panel.acknowledged, victim
        assert [sequence for sequence, _ in rows] == list(range(1, len(rows) + 1)), victim
    return {
        "messages": sum(len(panel.acknowledged) for panel in panels),
        "down": round(restarted_at - killed_at, 1),
        "last arrival after the last send": round(max(0, caught_up_at - deadline), 2),
        "longest silence": round(max(map(_longest_silence, panels)), 1),
        "connections": sum(panel.connects for panel in panels),
    }


async def reply(stack: Stack, panel: Panel, text: str) -> None:
    path = f"/api/conversations/{panel.conversation}/messages"
    body = {"text": text, "clientKey": text}
    while True:
        try:
            status, content = await request(stack.port, "POST", path, stack.seeded["key"], body)
        except FAILURES:
            await asyncio.sleep(0.1)
            continue
        assert status in (200, 201), content
        return


def check_order(panels: list[Panel]) -> None:
    """Fail if a panel received a message twice, out of order or not at all."""
    for panel in panels:
        assert panel.sequences == list(range(1, len(panel.sequences) + 1)), panel.sequences


def _longest_silence(panel: Panel) -> float:
    times = sorted(panel.arrived_at.values())
    return max((later - former for former, later in pairwise(times)), default=0)


def _stored(stack: Stack, conversation: str) -> list[tuple[int, str]]:
    if stack.database_url.startswith("postgres"):
        return stored_texts(stack.database_url, conversation)
    with sqlite3.connect(stack.database_url.removeprefix("sqlite:///")) as database:
        rows = database.execute(
            "SELECT sequence, text FROM conversations_message WHERE conversation_id = ? ORDER BY 1",
            [conversation],
        ).fetchall()
    return [(int(sequence), str(text)) for sequence, text in rows]


async def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def cancel(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
