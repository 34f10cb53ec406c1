"""Break every part while visitors and representatives write, and check that nothing is lost.

Usage: ``python -m tests.deployment.chaos [--seconds 120] [--visitors 50] [--reps 5] [--seed N]``

On PostgreSQL and Valkey, behind Caddy, with two instances of web, one live and one worker, and a
model that streams. In random order: SIGKILL of each part, SIGSTOP of Valkey and of the model for
20 seconds, and the replacement of each part, until the time is over, and each at least once. In one
half of the conversations the AI answers, or a person where it cannot, and in the others a person.

At the end each message that was acknowledged is on each screen exactly once, each question has
exactly one answer, no sequence has a gap, no response was an error except for 503 with
``Retry-After``, and each panel shows new messages within 30 seconds after the last fault.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from tests.deployment.chaos_reps import Rep
from tests.deployment.chaos_stack import ChaosStack, Faults, faults, running_chaos_stack
from tests.deployment.conversation_faults import cancel
from tests.deployment.conversation_stack import stored_texts
from tests.deployment.paced_model import answer_to
from tests.deployment.panels import Panel, Responses, open_panels, wait_until_open

#: Seconds within which each panel shows new messages after the last fault.
LIVE_SECONDS: Final = 30
#: Seconds within which the last questions are answered and shown after the last one was sent.
ANSWER_SECONDS: Final = 90
#: Seconds between an answer and the next question.
_READING: Final = (0.5, 2.5)
#: What is replaced, as by an upgrade of each.
REPLACED: Final = ("web-1", "web-2", "live", "worker", "valkey", "postgres")


@dataclass
class Chaos:
    """One run."""

    stack: ChaosStack
    random: random.Random
    #: Seconds between two faults.
    between: tuple[float, float] = (1, 3)
    panels: list[Panel] = field(default_factory=list)
    reps: list[Rep] = field(default_factory=list)
    responses: Responses = field(default_factory=Responses)
    #: The faults, and the seconds from the start until each began.
    faults: list[tuple[float, str]] = field(default_factory=list)
    #: When the last fault ended.
    ended_at: float = 0
    #: Seconds from each question to its answer.
    answered_in: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    async def run(self, visitors: int, seconds: float, kinds: Faults) -> dict[str, Any]:
        """Return the figures. What is wrong is in ``problems``."""
        await self._open(visitors)
        clients = [*self.panels, *self.reps]
        tasks = [asyncio.create_task(client.listen()) for client in clients]
        tasks += [asyncio.create_task(rep.work()) for rep in self.reps]
        await wait_until_open(self.panels)
        started = time.monotonic()
        stopped = asyncio.Event()
        talks = [asyncio.create_task(self._ask(*item, stopped)) for item in enumerate(self.panels)]
        await self._break(kinds, started + seconds)
        # Until each panel had the time to show something new.
        await self._wait_until_live()
        stopped.set()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.gather(*talks)
        except TimeoutError:
            pass
        await asyncio.sleep(1)
        await cancel([*tasks, *talks])
        await asyncio.gather(*(rep.read_all() for rep in self.reps))
        await self._check()
        return self._figures(time.monotonic() - started)

    async def _open(self, visitors: int) -> None:
        port, keys = self.stack.port, self.stack.seeded["keys"]
        answered, staffed = self.stack.seeded["webchats"]
        half = visitors // 2
        self.panels = await open_panels(port, answered, visitors - half, "Question 0.0")
        self.panels += await open_panels(port, staffed, half, "Question 0.0")
        self.reps = [
            Rep(port, key, staffed=staffed, share=(number, len(keys)))
            for number, key in enumerate(keys)
        ]
        for client in (*self.panels, *self.reps):
            client.responses = self.responses

    async def _ask(self, number: int, panel: Panel, stopped: asyncio.Event) -> None:
        """Ask one question after the other, each when the one before is answered."""
        asked = 0
        question = "Question 0.0"
        while True:
            sent_at = panel.arrived_at.get(question, time.monotonic())
            while not any(text.startswith(answer_to(question)) for text in panel.received):
                await asyncio.sleep(0.05)
            self.answered_in.append(time.monotonic() - sent_at)
            if stopped.is_set():
                return
            await asyncio.sleep(self.random.uniform(*_READING))
            asked += 1
            question = f"Question {number + 1}.{asked}"
            await panel.send(question)

    async def _break(self, kinds: Faults, until: float) -> None:
        """Cause faults, all kinds in random order, until the time is over."""
        started = time.monotonic()
        left: list[str] = []
        is_complete = False
        while time.monotonic() < until or not is_complete:
            if not left:
                left = self.random.sample(sorted(kinds), len(kinds))
            await asyncio.sleep(self.random.uniform(*self.between))
            name = left.pop()
            is_complete = is_complete or not left
            self.faults.append((time.monotonic() - started, name))
            await asyncio.to_thread(kinds[name], self.stack)
        self.ended_at = time.monotonic()

    async def _wait_until_live(self) -> None:
        deadline = self.ended_at + LIVE_SECONDS + 5
        while time.monotonic() < deadline and not all(map(self._first_arrival, self.panels)):
            await asyncio.sleep(0.1)

    def _first_arrival(self, panel: Panel) -> float | None:
        """Return the seconds until the panel showed something after the last fault."""
        after = [at - self.ended_at for at in panel.arrived_at.values() if at > self.ended_at]
        return min(after, default=None)

    # --- Checks ---

    async def _check(self) -> None:
        url = self.stack.database_url
        for panel in self.panels:
            rows = await asyncio.to_thread(stored_texts, url, panel.conversation)
            self._check_conversation(panel, rows)
        for name, count in self.responses.unexpected.items():
            self.problems.append(f"{count} × {name}")
        late = [panel for panel in self.panels if not self._is_live_in_time(panel)]
        if late:
            self.problems.append(f"{len(late)} panels show nothing new after the last fault")

    def _is_live_in_time(self, panel: Panel) -> bool:
        seconds = self._first_arrival(panel)
        return seconds is not None and seconds <= LIVE_SECONDS

    def _check_conversation(self, panel: Panel, rows: Sequence[tuple[int, str]]) -> None:
        texts = [text for _, text in rows]
        stored = Counter(texts)
        self._require(
            [sequence for sequence, _ in rows] == list(range(1, len(rows) + 1)),
            panel,
            f"a gap in {[sequence for sequence, _ in rows]}",
        )
        for text in panel.acknowledged:
            self._require(stored[text] == 1, panel, f"{stored[text]} times stored: {text}")
            answers = sum(row.startswith(answer_to(text)) for row in texts)
            self._require(answers == 1, panel, f"{answers} answers: {text}")
        visible = [text for text in texts if text]
        self._require(panel.received == visible, panel, f"shows {panel.received}, not {visible}")
        self._require(
            panel.sequences == list(range(1, len(rows) + 1)), panel, f"shows {panel.sequences}"
        )
        for rep in self.reps:
            shown = [(row.sequence, row.text) for row in rep.screen.get(panel.conversation, [])]
            self._require(shown == list(rows), panel, f"a representative sees {shown}, not {rows}")

    def _require(self, holds: bool, panel: Panel, problem: str) -> None:
        if not holds:
            self.problems.append(f"{panel.conversation}: {problem}")

    def _figures(self, seconds: float) -> dict[str, Any]:
        statuses = self.responses.statuses
        cuts = statistics.quantiles(self.answered_in, n=100)
        times = [self._first_arrival(panel) or 60 for panel in self.panels]
        return {
            "seconds": round(seconds),
            "faults": len(self.faults),
            "messages of visitors": sum(len(panel.acknowledged) for panel in self.panels),
            "answers of the AI": self._count_answers("ai"),
            "answers of people": self._count_answers("rep"),
            "refused, since another was faster": sum(rep.refused for rep in self.reps),
            "hand-overs": count_rows(self.stack.database_url, "handed_over"),
            "answer p50, s": round(cuts[49], 1),
            "answer p99, s": round(cuts[98], 1),
            "responses": statuses.total(),
            "of which 503 with Retry-After": statuses[503],
            "other errors": self.responses.unexpected.total(),
            "streams opened": sum(panel.connects for panel in self.panels),
            "all panels live again, s": round(max(times), 1),
        }

    def _count_answers(self, author: str) -> int:
        screen = self.reps[0].screen.values()
        return sum(
            row.author == author and row.text.startswith("Answer to")
            for shown in screen
            for row in shown
        )


def count_rows(url: str, event: str) -> int:
    """Return the number of events of a kind."""
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM conversations_message WHERE event = %s"
        row = connection.execute(query, [event]).fetchone()
    return int(row[0]) if row else 0


def show(figures: Mapping[str, Any]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [f"| {name} | {value} |" for name, value in figures.items()]
    return "\n".join(["| | |", "|---|--:|", *lines])


def main() -> int:
    """Run once; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--pause", type=float, default=20, help="seconds of SIGSTOP")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", default="", metavar="WORD", help='such as "kill" or "valkey"')
    options = parser.parse_args()
    print(f"Seed {options.seed}", flush=True)
    with running_chaos_stack(options.reps) as stack:
        chaos = Chaos(stack, random.Random(options.seed))
        kinds = faults(pause=options.pause, replaced=REPLACED, down=1)
        kinds = {name: fault for name, fault in kinds.items() if options.only in name}
        figures = asyncio.run(chaos.run(options.visitors, options.seconds, kinds))
    print(", ".join(f"{at:.0f} s {name}" for at, name in chaos.faults))
    print(show(figures))
    print("\n".join(chaos.problems) or "Nothing was lost, repeated or out of order.")
    return 1 if chaos.problems else 0


if __name__ == "__main__":
    sys.exit(main())
