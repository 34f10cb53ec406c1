"""``python -m tests.benchmarks.reply_streams``: a hundred replies at once, through one worker.

A model streams 30 words at a steady pace to each of 100 visitors, whose panels are open. It prints
the cores and the memory that the worker takes, and the milliseconds from the moment at which the
model sends a word to its arrival at the visitor's stream, and fails if they exceed their limits.
The services run as in ``compose.yaml``, with one instance of ``web``.
"""

import asyncio
import json
import re
import statistics
import time
from dataclasses import dataclass, field
from typing import Final

import psutil

from tests.deployment.chaos_stack import ChaosStack, running_chaos_stack
from tests.deployment.conversation_faults import cancel, wait_until
from tests.deployment.paced_model import WORDS
from tests.deployment.panels import Panel, wait_until_open

REPLIES: Final = 100
CORES: Final = 1.0
P95_MILLISECONDS: Final = 250
MEBIBYTES: Final = 60
#: The time at which the model has sent a word.
_SENT: Final = re.compile(r"@(\d+\.\d{3})")


@dataclass
class ReadingPanel(Panel):
    """A panel that measures the words of the reply, as they appear and in the stored message."""

    text: str = ""
    delays: list[float] = field(default_factory=list)

    def handle(self, event: dict[str, str]) -> None:
        """Record when the words of a reply arrive."""
        super().handle(event)
        data = json.loads(event.get("data", "{}"))
        if event.get("event") == "reply":
            self.text = self.text[: data["offset"]] + data["text"]
        elif event.get("event") == "message" and data["author"] == "ai":
            self.text = data["text"]
        sent = _SENT.findall(self.text)
        self.delays += [time.monotonic() - float(at) for at in sent[len(self.delays) :]]


async def measure(stack: ChaosStack) -> dict[str, float]:
    """Let all visitors ask at once, and return the figures."""
    webchat = stack.seeded["webchats"][0]
    panels = [ReadingPanel(stack.port, webchat=webchat) for _ in range(REPLIES)]
    for panel in panels:
        await panel.start_session()
    listeners = [asyncio.create_task(panel.listen()) for panel in panels]
    await wait_until_open(list(panels))
    # What is loaded with the first reply.
    await panels[0].send("Question 0")
    await wait_until(lambda: len(panels[0].delays) == WORDS)
    panels[0].delays.clear()
    panels[0].text = ""
    worker = psutil.Process(stack.parts["worker"].process.pid)
    idle = peak = worker.memory_info().rss
    cpu, started = sum(worker.cpu_times()[:2]), time.monotonic()
    await asyncio.gather(*(panel.send(f"Question {n}") for n, panel in enumerate(panels)))
    while not all(len(panel.delays) >= WORDS for panel in panels):
        assert time.monotonic() < started + 60, "not all replies are complete"
        peak = max(peak, worker.memory_info().rss)
        await asyncio.sleep(0.1)
    seconds = time.monotonic() - started
    cpu = sum(worker.cpu_times()[:2]) - cpu
    await cancel(listeners)
    delays = [1000 * delay for panel in panels for delay in panel.delays]
    cuts = statistics.quantiles(delays, n=100)
    return {
        "replies": REPLIES,
        "seconds": round(seconds, 1),
        "cores": round(cpu / seconds, 2),
        "MiB above the idle worker": round((peak - idle) / 2**20, 1),
        "ms p50": round(cuts[49]),
        "ms p95": round(cuts[94]),
    }


def main() -> None:
    """Run the services, and print the figures."""
    with running_chaos_stack(1, instances=1) as stack:
        figures = asyncio.run(measure(stack))
    print(figures)
    assert figures["cores"] <= CORES
    assert figures["MiB above the idle worker"] <= MEBIBYTES
    assert figures["ms p95"] <= P95_MILLISECONDS


if __name__ == "__main__":
    main()
