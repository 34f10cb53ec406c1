"""``python -m tests.benchmarks [NAME…]``: measure, on databases and servers that start and stop
with it.

Without names it runs everything. ``--quick`` is for CI: fewer rows, ratios only, and a failure
where one is far from its aim.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.bench import Bench
from tests.benchmarks.documents import documents
from tests.benchmarks.growth import growth
from tests.benchmarks.measure import Outcome
from tests.benchmarks.server_programs import server_programs
from tests.benchmarks.serving import PROGRAMS, ROOT
from tests.benchmarks.start import start
from tests.benchmarks.widget import widget
from tests.benchmarks.widget_config import widget_config
from tests.benchmarks.writes import writes
from tests.support.postgres import running_postgres

Benchmark = Callable[[Bench], Outcome]

#: What runs on this process's servers.
BENCHMARKS: dict[str, Benchmark] = {
    "documents": documents,
    "writes": writes,
    "growth": growth,
    "widget-config": widget_config,
    "servers": server_programs,
    "start": start,
    "widget": widget,
}
#: What runs in a process of its own, on a database of its own.
APART = ("transfer",)
QUICK = ("documents", "writes", "growth", "widget-config")
SERVER = "granian"


def main() -> None:
    """Run what is asked for, print it and write it."""
    asked = _arguments()
    # An end that is asked for ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    names = asked.benchmark or (QUICK if asked.quick else (*BENCHMARKS, *APART))
    outcomes: dict[str, Outcome] = {}
    with ExitStack() as resources:
        if set(names) & set(BENCHMARKS):
            bench = _bench(asked, resources)
            machine = _machine(bench)
            print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
            for name in names:
                if name in BENCHMARKS:
                    outcomes[name] = _run(name, bench)
                    # After each: one that fails takes no other's figures with it.
                    _write(asked.json, {"machine": machine, "benchmarks": outcomes})
            print(f"\nWritten to {asked.json}", flush=True)
    if "transfer" in names:
        _transfer(asked)
    failed = [aim for outcome in outcomes.values() for aim in outcome.aims if not aim.within_bound]
    if asked.quick and failed:
        raise SystemExit("\n".join(f"Slower than it was: {aim.refusal}" for aim in failed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument(
        "benchmark", nargs="*", metavar="NAME", help=", ".join((*BENCHMARKS, *APART))
    )
    parser.add_argument("--quick", action="store_true", help="ratios only, in under a minute")
    parser.add_argument("--explain", action="store_true", help="print the plans of the queries")
    parser.add_argument("--rows", type=int, default=100_000, help="webchats in the database")
    parser.add_argument("--organizations", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="of load, in each round")
    parser.add_argument("--server", choices=PROGRAMS, default=SERVER)
    parser.add_argument("--json", type=Path, default=ROOT / "data" / "benchmarks.json")
    parser.add_argument("--database", choices=("postgres", "sqlite"), help="transfer: only there")
    asked = parser.parse_args()
    if unknown := set(asked.benchmark) - {*BENCHMARKS, *APART}:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    return asked


def _bench(asked: argparse.Namespace, resources: ExitStack) -> Bench:
    cluster = resources.enter_context(running_postgres())
    bench = Bench(cluster, PROGRAMS[asked.server], resources, explain=asked.explain)
    if asked.quick:
        # One organization, the larger table of ``growth``.
        bench.quick, bench.webchats, bench.organizations = True, 20_000, 1
        bench.rounds, bench.seconds, bench.connections, bench.workers = 5, 0.25, 4, 1
    else:
        bench.webchats, bench.organizations = asked.rows, asked.organizations
        bench.rounds, bench.seconds = asked.rounds, asked.seconds
    return bench


def _machine(bench: Bench) -> dict[str, Any]:
    data = bench.data()
    return {
        "cores": os.cpu_count(),
        "busy with (load average)": round(os.getloadavg()[0], 1),
        "Python": platform.python_version(),
        "Django": data.django,
        "DRF": version("djangorestframework"),
        "PostgreSQL": f"{data.server_version // 10_000}.{data.server_version % 10_000}",
        "server": bench.program.name,
        "webchats": bench.webchats,
        "organizations": bench.organizations,
        "the load's own ceiling (req/s)": round(bench.ceiling_of_load()),
    }


def _run(name: str, bench: Bench) -> Outcome:
    """Run a benchmark; in a hurry a failure is looked at a second time, for longer."""
    start = time.monotonic()
    outcome = BENCHMARKS[name](bench)
    if bench.quick and not all(aim.within_bound for aim in outcome.aims):
        bench.tell(f"{name} once more, with more rounds")
        bench.rounds *= 2
        outcome = BENCHMARKS[name](bench)
        bench.rounds //= 2
    bench.tell("")
    print(f"\n{name} ({time.monotonic() - start:.0f} s)")
    outcome.show()
    sys.stdout.flush()
    return outcome


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1, default=lambda value: value.as_json()) + "\n")


def _transfer(asked: argparse.Namespace) -> None:
    """The import, on PostgreSQL and on SQLite, each in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.transfer", str(asked.rows)]
    command += ["--rounds", str(asked.rounds)]
    if asked.database != "sqlite":
        with running_postgres() as url:
            _on(command, url)
    if asked.database != "postgres":
        with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
            _on(command, f"sqlite:///{folder}/db.sqlite3")


def _on(command: list[str], database: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, "DATABASE_URL": database})


if __name__ == "__main__":
    main()
