"""``python -m tests.benchmarks [NAME…]``: compare the service with its peers, on this machine.

It starts PostgreSQL and the servers, and stops them at the end. Without names it runs every
benchmark. ``--quick`` is for CI: it uses fewer rows and fails if a ratio is far from its target.
``--against FOLDER`` measures the service of another checkout in the same rounds.
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
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.append import append
from tests.benchmarks.documents import documents
from tests.benchmarks.growth import growth
from tests.benchmarks.harness import Harness
from tests.benchmarks.inbox import inbox
from tests.benchmarks.live import live
from tests.benchmarks.programs import PROGRAMS
from tests.benchmarks.reports import reports
from tests.benchmarks.results import Result
from tests.benchmarks.server_programs import server_programs
from tests.benchmarks.servers import ROOT, checkout, environment
from tests.benchmarks.startup import startup
from tests.benchmarks.widget import widget
from tests.benchmarks.widget_config import widget_config
from tests.benchmarks.writes import writes
from tests.support.postgres import running_postgres

#: The benchmarks that share this process's servers and databases.
BENCHMARKS: dict[str, Callable[[Harness], Result]] = {
    "documents": documents,
    "writes": writes,
    "append": append,
    "growth": growth,
    "inbox": inbox,
    "live": live,
    "reports": reports,
    "widget-config": widget_config,
    "servers": server_programs,
    "start": startup,
    "widget": widget,
}
#: The benchmark of imports, which runs in a separate process for each database.
TRANSFER = "transfer"
QUICK = ("documents", "writes", "append", "growth", "widget-config", "live")


def main() -> None:
    """Run the benchmarks, print their results and write them to a file."""
    options = _options()
    # Raise ``SystemExit``, so that the ``with`` blocks stop the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    names = options.benchmark or (QUICK if options.quick else (*BENCHMARKS, TRANSFER))
    report: dict[str, Any] = {"benchmarks": {}}
    failed = []
    with ExitStack() as resources:
        if set(names) & set(BENCHMARKS):
            harness = _harness(options, resources)
            report["machine"] = _machine(harness)
            print(", ".join(f"{key} {value}" for key, value in report["machine"].items()))
            for name in names:
                if name in BENCHMARKS:
                    harness.save = partial(_save, options.json, report, name)
                    result = _run(name, harness)
                    failed += [target for target in result.targets if not target.is_within_bound]
                    # After each benchmark, so that the results are kept if a later one fails.
                    harness.save(result)
    if TRANSFER in names:
        report["benchmarks"][TRANSFER] = _transfer(options)
        _write(options.json, report)
    print(f"\nWritten to {options.json}")
    if options.quick and failed:
        raise SystemExit("\n".join(f"Slower than before: {target.failure}" for target in failed))


def _options() -> argparse.Namespace:
    names = (*BENCHMARKS, TRANSFER)
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("benchmark", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="ratios only, in under a minute")
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER", help="another checkout to compare with"
    )
    parser.add_argument("--explain", action="store_true", help="growth: print the query plans")
    parser.add_argument("--rows", type=int, default=100_000, help="webchats in the database")
    parser.add_argument("--organizations", type=int, default=200)
    parser.add_argument("--streams", type=int, default=0, help="live: streams of a server")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="of load, in each round")
    parser.add_argument("--server", choices=PROGRAMS, default="granian")
    parser.add_argument("--json", type=Path, default=ROOT / "data" / "benchmarks.json")
    parser.add_argument(
        "--database", choices=("postgres", "sqlite"), help="transfer: run on this only"
    )
    options = parser.parse_args()
    if unknown := set(options.benchmark) - set(names):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    return options


def _harness(options: argparse.Namespace, resources: ExitStack) -> Harness:
    cluster = resources.enter_context(running_postgres())
    harness = Harness(cluster, PROGRAMS[options.server], resources, explain=options.explain)
    harness.streams = options.streams
    harness.against = checkout(options.against) if options.against else None
    if options.quick:
        # One organization, as in the larger table of ``growth``, which is then the same.
        harness.quick, harness.webchats, harness.organizations = True, 20_000, 1
        harness.rounds, harness.seconds, harness.connections, harness.workers = 5, 0.15, 4, 1
    else:
        harness.webchats, harness.organizations = options.rows, options.organizations
        harness.rounds, harness.seconds = options.rounds, options.seconds
    return harness


def _machine(harness: Harness) -> dict[str, Any]:
    with psycopg.connect(harness.cluster) as connection:
        postgres = connection.info.server_version
    return {
        "cores": os.cpu_count(),
        "load average": round(os.getloadavg()[0], 1),
        "Python": platform.python_version(),
        "Django": version("django"),
        "DRF": version("djangorestframework"),
        "PostgreSQL": f"{postgres // 10_000}.{postgres % 10_000}",
        "server": harness.program.name,
        "webchats": harness.webchats,
        "organizations": harness.organizations,
        "maximum of the load generator (req/s)": round(harness.max_load()),
    }


def _run(name: str, harness: Harness) -> Result:
    """Run a benchmark. A quick one that fails gets a second attempt with more rounds."""
    start = time.monotonic()
    result = BENCHMARKS[name](harness)
    if harness.quick and not all(target.is_within_bound for target in result.targets):
        harness.progress(f"{name} again, with more rounds")
        harness.rounds *= 2
        result = BENCHMARKS[name](harness)
        harness.rounds //= 2
    harness.progress("")
    print(f"\n{name} ({time.monotonic() - start:.0f} s)")
    result.show()
    sys.stdout.flush()
    return result


def _save(file: Path, report: dict[str, Any], name: str, result: Result) -> None:
    report["benchmarks"][name] = result.as_json()
    _write(file, report)


def _write(file: Path, report: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1) + "\n")


def _transfer(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark of imports on PostgreSQL and SQLite; return its results by database."""
    results = {}
    with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
        file = Path(folder, "result.json")
        command = [sys.executable, "-m", "tests.benchmarks.imports", str(options.rows)]
        command += ["--rounds", str(options.rounds), "--json", str(file)]
        command += ["--against", str(options.against.resolve())] if options.against else []
        for database in ("postgres", "sqlite"):
            if options.database not in (None, database):
                continue
            with ExitStack() as resources:
                url = f"sqlite:///{folder}/db.sqlite3"
                if database == "postgres":
                    url = resources.enter_context(running_postgres())
                subprocess.run(command, cwd=ROOT, check=True, env=environment(url))
            results[database] = json.loads(file.read_text())
    return results


if __name__ == "__main__":
    main()
