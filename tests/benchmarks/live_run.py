"""What ``live`` measures of one server, in phases that each have a deadline."""

import asyncio
import gc
import math
import statistics
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from tests.benchmarks.live_clients import Clients
from tests.benchmarks.live_cpu import cpu_seconds, shares
from tests.benchmarks.live_messages import Sender
from tests.benchmarks.live_sizes import Sizes
from tests.benchmarks.servers import Server

#: Streams that receive one message.
GROUP: Final = 1_000
#: Sockets of other connections that a server may open meanwhile.
_TOLERANCE: Final = 12
_GONE_SECONDS: Final = 15
#: The time for what a server does after streams are gone, and the share of a core that is rest.
_REST_SECONDS: Final = 60
_AT_REST: Final = 0.1

Figures = dict[str, float]


@dataclass
class Run:
    """The measurement of one server. Of the service, ``key`` opens streams of staff."""

    server: Server
    clients: Clients
    sizes: Sizes
    sender: Sender
    #: The conversation by the token of its visitor.
    conversations: dict[str, str]
    key: str = ""
    figures: Figures = field(default_factory=dict)
    #: What did not finish in time.
    notes: list[str] = field(default_factory=list)

    async def measure(self) -> Figures:
        """Return the figures by name."""
        sizes = self.sizes
        await self._phase("first streams", 30, self._warm_up())
        await self._phase("open streams", sizes.opening_seconds + 30, self._open())
        await self._phase("idle", sizes.idle_seconds + 10, self._idle())
        seconds = 2 * sizes.messages / sizes.rate + 20
        await self._phase("messages to one stream", seconds, self._send())
        await self._phase("burst", 2 * sizes.burst_seconds + 30, self._send_burst())
        await self._phase("abort all", _GONE_SECONDS + _REST_SECONDS + 5, self._abort_all())
        if sizes.streams >= GROUP:
            await self._phase("messages to many streams", 45, self._send_to_group())
        await self._phase("abort and open again", 20 + 40 * sizes.cycles, self._abort())
        return self.figures

    async def _phase(
        self, name: str, seconds: float, measurement: Coroutine[Any, Any, Figures]
    ) -> None:
        """Add the figures of a phase, or a note that it did not finish."""
        self._say(f"{name} (at most {seconds:.0f} s)")
        started = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                self.figures |= await measurement
        except TimeoutError:
            self._note(f"{name}: not finished after {seconds:.0f} s, so not measured")
        self._say(f"{name}: {time.monotonic() - started:.1f} s")

    async def _warm_up(self) -> Figures:
        """Let the server load what it loads once."""
        await self.clients.connect(list(self.conversations)[:50])
        self.clients.abort(50)
        await asyncio.sleep(1)
        self._base = self._sockets()
        return {}

    async def _open(self) -> Figures:
        """Open all streams, and keep them."""
        wanted, clients = list(self.conversations)[: self.sizes.streams], self.clients
        memory, cpu, started = self._memory(), self.server.cpu_seconds(), time.monotonic()
        await clients.connect(wanted, seconds=self.sizes.opening_seconds)
        seconds, count = time.monotonic() - started, len(clients.open)
        cpu = self.server.cpu_seconds() - cpu
        if count + clients.failures < len(wanted):
            limit = self.sizes.opening_seconds
            self._note(f"{count:,} of {len(wanted):,} streams were open after {limit:.0f} s")
        failures = clients.failures
        self._note_failures(clients)
        await asyncio.sleep(3)
        # Otherwise the collections of the clients' garbage would count as delays of the server.
        gc.collect()
        gc.freeze()
        return {
            "streams": count,
            "failures": failures,
            "ms CPU per connect": 1000 * cpu / count,
            "connects per second": count / seconds,
            "KiB per stream": (self._memory() - memory) / 1024 / count,
        }

    async def _idle(self) -> Figures:
        """Hold the streams without messages."""
        busy, started = self.server.cpu_seconds(), time.monotonic()
        await asyncio.sleep(self.sizes.idle_seconds)
        busy = (self.server.cpu_seconds() - busy) / (time.monotonic() - started)
        thousands = len(self.clients.open) / 1000
        return {
            "% of a core, idle": 100 * busy,
            "ms CPU per s, 1,000 idle widgets": 1000 * busy / thousands,
        }

    async def _send(self) -> Figures:
        """Send messages to streams at random."""
        sizes = self.sizes
        seconds = 2 * sizes.messages / sizes.rate
        command = f"at {sizes.rate} {sizes.messages} {seconds} {' '.join(self._open_ids())}"
        cpu = cpu_seconds(self.server, self.sender)
        sent = await self.sender.send(command)
        await self._wait_for(sent, 10)
        times, arrivals = list(sent.values()), self.clients.arrivals
        sending = times[-1] - times[0]
        delays = [1000 * (arrivals[text][0] - at) for text, at in sent.items() if text in arrivals]
        if len(sent) < sizes.messages:
            self._note(f"{len(sent):,} of {sizes.messages:,} messages were sent in {seconds:.0f} s")
        cuts = statistics.quantiles(delays, n=100) if len(delays) > 1 else [math.nan] * 99
        return {
            "messages per second": len(sent) / sending,
            "lost": len(sent) - len(delays),
            "ms p50 from commit": cuts[49],
            "ms p99 from commit": cuts[98],
            **shares(cpu, cpu_seconds(self.server, self.sender), sending),
        }

    async def _send_burst(self) -> Figures:
        """Send many messages at once."""
        sizes, arrivals, ids = self.sizes, self.clients.arrivals, self._open_ids()
        limit = sizes.burst_seconds
        sent = await self.sender.send(f"burst {sizes.burst} {limit} {' '.join(ids)}")
        committed = min(sent.values())
        await self._wait_for(sent, committed + limit - time.monotonic())
        arrived = [arrivals[text][0] for text in sent if text in arrivals]
        many, seconds = sizes.burst * len(ids), max(arrived, default=math.nan) - committed
        if len(arrived) < many:
            self._note(f"burst: fell behind: {len(arrived):,} of {many:,} after {limit:.0f} s")
        return {"burst": many, "missing of the burst": many - len(arrived), "s burst": seconds}

    async def _send_to_group(self) -> Figures:
        """Send a few messages, each of which a thousand streams receive."""
        clients, count = self.clients, 5
        if self.key:
            clients = Clients(self.server.port, "/live/organization")
            await clients.connect([self.key] * GROUP, seconds=20)
            await asyncio.sleep(1)
            # The organization's streams get the conversation with the text of its last message.
            first = next(iter(self.conversations.values()))
            sent = await self.sender.send(f"at 1 {count} 20 {first}")
        else:
            await clients.connect(list(self.conversations)[:GROUP], "?all=1", seconds=20)
            sent = await self.sender.send(f"group {count}")
        streams = len(clients.open)
        if streams < GROUP:
            self._note(f"messages to many streams: {streams:,} of {GROUP:,} streams were open")
            self._note_failures(clients)
        await asyncio.sleep(2)
        complete = [
            1000 * (max(clients.arrivals[text]) - at)
            for text, at in sent.items()
            if len(clients.arrivals.get(text, ())) >= streams
        ]
        clients.abort(streams)
        return {
            "streams of the group": streams,
            "lost of those to the group": len(sent) - len(complete),
            "ms until the group has it": statistics.median(complete) if complete else math.nan,
        }

    async def _abort_all(self) -> Figures:
        count = len(self.clients.open)
        self.clients.abort(count)
        started = time.monotonic()
        gone = await self._seconds_until_gone()
        busy, cpu = 1.0, self.server.cpu_seconds()
        while busy > _AT_REST and time.monotonic() < started + _REST_SECONDS:
            await asyncio.sleep(0.5)
            before, cpu = cpu, self.server.cpu_seconds()
            busy = (cpu - before) / 0.5
        rest = time.monotonic() - started
        if busy > _AT_REST:
            self._note(f"busy {rest:.0f} s after the abort of {count:,} streams")
        return {"s until all are gone": gone, "s until at rest": rest}

    async def _abort(self) -> Figures:
        """Abort streams, and open them again, several times."""
        await self._seconds_until_gone()
        seconds, memory = [], []
        for _ in range(self.sizes.cycles):
            await self.clients.connect(list(self.conversations)[: self.sizes.aborted], seconds=20)
            await asyncio.sleep(1)
            self.clients.abort(len(self.clients.open))
            seconds.append(await self._seconds_until_gone())
            await asyncio.sleep(0.5)
            memory.append(self._memory())
        self._note_failures(self.clients)
        figures = {"s until aborted ones are gone": max(seconds)}
        if self.sizes.cycles > 1:
            figures["x memory after cycles"] = memory[-1] / memory[0]
        return figures

    async def _seconds_until_gone(self) -> float:
        """Return when the server has closed all streams, at most ``_GONE_SECONDS``."""
        started = time.monotonic()
        while self._sockets() > self._base + _TOLERANCE:
            if time.monotonic() > started + _GONE_SECONDS:
                left = self._sockets() - self._base
                self._note(f"{left:,} sockets were open {_GONE_SECONDS} s after the abort")
                break
            await asyncio.sleep(0.02)
        return time.monotonic() - started

    async def _wait_for(self, sent: dict[str, float], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not sent.keys() <= self.clients.arrivals.keys():
            await asyncio.sleep(0.1)

    def _open_ids(self) -> list[str]:
        return [self.conversations[client.token] for client in self.clients.open]

    def _note_failures(self, clients: Clients) -> None:
        for reason, number in clients.reasons.items():
            self._note(f"{number:,} streams did not begin: {reason}")
        clients.reasons.clear()

    def _memory(self) -> int:
        return sum(process.memory_info().rss for process in self.server.processes())

    def _sockets(self) -> int:
        return sum(process.num_fds() for process in self.server.processes())

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.server.name}: {text}")

    def _say(self, text: str) -> None:
        print(f"  {self.server.name}: {text}", file=sys.stderr, flush=True)
