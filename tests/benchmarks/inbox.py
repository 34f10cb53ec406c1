"""The list of the inbox, and what else reads conversations, with more of them.

For each size a database has that many conversations, half of them in one organization, and twice as
many messages. A process for each size answers the requests of a member. ``python -m
tests.benchmarks inbox`` builds them: a million rows take three minutes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final

import psycopg

from tests.benchmarks.harness import TEMPLATE_DATABASE, Harness
from tests.benchmarks.results import Figure, Result, Target, interleave
from tests.benchmarks.servers import ROOT, environment

SIZES: Final = (1_000, 1_000_000)
#: The target for the time with the largest size as a multiple of the smallest's.
GROWTH: Final = 1.5
#: What reads more rows of a larger organization, up to a limit.
LIMITED: Final = ("filters", "search")
#: The target for combinations of filters and for searches, in milliseconds.
MILLISECONDS: Final = 300
QUERIES: Final = 5


def inbox(harness: Harness) -> Result:
    """Measure the same requests on smaller and larger tables."""
    result = Result(notes=["In the process, without a server: requests, or what a stream reads."])
    with ExitStack() as resources:
        servers = {
            f"{size:,}": resources.enter_context(_answering(_create_data(harness, size)))
            for size in SIZES
        }
        for title in _ask(next(iter(servers.values())), "titles"):
            harness.progress(title)
            turns = {size: partial(_ask, server, title) for size, server in servers.items()}
            for turn in turns.values():
                turn()
            measured = interleave(turns, rounds=harness.rounds, progress=harness.progress)
            _add(result, title, measured)
    return result


def _add(result: Result, title: str, measured: dict[str, dict[str, list[float]]]) -> None:
    figures = {
        (size, unit): Figure(f"{title}: {size}", unit, rounds)
        for size, units in measured.items()
        for unit, rounds in units.items()
    }
    result.figures += figures.values()
    ratio, by_cpu = (
        figures[f"{SIZES[-1]:,}", unit].over(figures[f"{SIZES[0]:,}", unit])
        for unit in ("ms", "ms CPU")
    )
    largest, queries = (figures[f"{SIZES[-1]:,}", unit] for unit in ("ms", "queries"))
    claim = f"{title}: time with {SIZES[-1]:,} over {SIZES[0]:,}"
    if not title.startswith(LIMITED):
        result.targets.append(Target(claim, ratio, at_most=GROWTH, witness=by_cpu))
    claim = f"{title}: ms with {SIZES[-1]:,}"
    result.targets.append(Target(claim, largest, at_most=MILLISECONDS))
    if title.startswith("view"):
        result.targets.append(Target(f"{title}: queries", queries, at_most=QUERIES))


def _create_data(harness: Harness, size: int) -> str:
    """Create the database of a size, and return its URL."""
    harness.progress(f"a database with {size:,} conversations")
    base = harness.cluster.rpartition("/")[0]
    # Before the first database is created from it, the template is empty.
    harness.python(harness.cluster, "manage.py", "migrate", "--verbosity=0")
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "inbox{size}" TEMPLATE "{TEMPLATE_DATABASE}"')
    url = f"{base}/inbox{size}"
    harness.python(url, "-m", "tests.benchmarks.inbox_data", str(size))
    return url


@contextmanager
def _answering(url: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that measures the actions whose titles it reads."""
    variables = environment(
        url, LOG_LEVEL="WARNING", DATABASE_STATEMENT_SECONDS="0", PYTHONWARNINGS="ignore"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.inbox_requests", "serve"],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def _ask(process: "subprocess.Popen[str]", line: str) -> Any:
    """Send a line to the process, and return the JSON of its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(line, file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())
