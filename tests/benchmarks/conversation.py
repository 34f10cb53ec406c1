"""``python -m tests.benchmarks.conversation [SCENARIO…]``: messages under load and under faults.

Each scenario starts the service, prints one line of figures, and fails if a message is lost,
repeated or out of order:

* ``latency``: 200 open panels, from the request that sends a message to the visitor's stream;
* ``cut-responses``: 100 messages through a proxy that cuts every second response;
* ``cut-streams``: 200 messages to a stream that is cut 20 times;
* ``kill``: SIGKILL of web, live, Valkey and PostgreSQL under load, one after the other;
* ``kill-sqlite``: SIGKILL of web and live on SQLite, without a cache server;
* ``memory``: memory of the process and the proxy per stream.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import psutil

from tests.deployment.conversation_faults import (
    Figures,
    cancel,
    check_order,
    cut_responses,
    cut_streams,
    kill_one,
    reply,
    wait_until,
)
from tests.deployment.conversation_stack import Stack, running_stack
from tests.deployment.panels import Panel, open_panels, wait_until_open

PANELS = 200
STREAMS = 1_000


async def latency(stack: Stack) -> Figures:
    """Send messages of a representative to random panels at 20 per second."""
    panels = await open_panels(stack.port, stack.seeded["webchats"][0], PANELS)
    listeners = [asyncio.create_task(panel.listen()) for panel in panels]
    await wait_until_open(panels)
    await asyncio.sleep(1)
    sent: dict[str, tuple[Panel, float, float]] = {}

    async def send(number: int) -> None:
        panel, text = panels[number % PANELS], f"Reply {number}"
        started = time.monotonic()
        await reply(stack, panel, text)
        sent[text] = panel, started, time.monotonic()

    tasks = []
    for number in range(600):
        tasks.append(asyncio.create_task(send(number)))
        await asyncio.sleep(0.05)
    await asyncio.gather(*tasks)
    await wait_until(lambda: all(text in panel.received for text, (panel, *_) in sent.items()))
    delays = {text: panel.arrived_at[text] - start for text, (panel, start, _) in sent.items()}
    after_response = [panel.arrived_at[text] - end for text, (panel, _, end) in sent.items()]
    await cancel(listeners)
    check_order(panels)
    return {
        "panels": len(panels),
        "messages": len(sent),
        "request to stream": _percentiles(list(delays.values())),
        "response to stream": _percentiles(after_response),
    }


async def kill(stack: Stack) -> Figures:
    """Kill each part, one after the other."""
    return {name: await kill_one(stack, name) for name in stack.parts}


async def memory(stack: Stack) -> Figures:
    """Open streams, and compare the memory of the process and of the proxy before and after."""
    panels = await open_panels(stack.port, stack.seeded["webchats"][0], STREAMS // 3 + 1)
    before = _memory(stack)
    copies = [
        Panel(panel.port, panel.token, webchat=panel.webchat) for panel in panels for _ in range(3)
    ]
    copies = copies[:STREAMS]
    listeners = [asyncio.create_task(panel.listen()) for panel in copies]
    await wait_until_open(copies)
    await asyncio.sleep(2)
    after = _memory(stack)
    await cancel(listeners)
    kibibytes = {name: (after[name] - before[name]) / len(copies) / 1024 for name in after}
    return {"streams": len(copies), **{name: round(size, 1) for name, size in kibibytes.items()}}


def _memory(stack: Stack) -> dict[str, int]:
    live = psutil.Process(stack.parts["live"].process.pid)
    caddy = [child for child in psutil.Process().children() if "caddy" in child.name()]
    return {
        "live": sum(process.memory_info().rss for process in live.children(recursive=True)),
        "proxy": sum(process.memory_info().rss for process in caddy),
    }


def _percentiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return ", ".join(f"p{number} {cuts[number - 1] * 1000:.0f} ms" for number in (50, 95, 99))


SCENARIOS: dict[str, Callable[[Stack], Awaitable[Figures]]] = {
    "latency": latency,
    "cut-responses": cut_responses,
    "cut-streams": cut_streams,
    "kill": kill,
    "kill-sqlite": kill,
    "memory": memory,
}


def main() -> None:
    """Run the scenarios and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], default=list(SCENARIOS))
    for name in parser.parse_args().scenario:
        with running_stack(production=name != "kill-sqlite") as stack:
            figures = asyncio.run(_run(SCENARIOS[name], stack))
            print(f"{name}: {figures}", flush=True)


async def _run(scenario: Callable[[Stack], Awaitable[Figures]], stack: Stack) -> Figures:
    return await scenario(stack)


if __name__ == "__main__":
    main()
