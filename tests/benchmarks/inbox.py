"""The list of the inbox, and what else reads conversations, with more of them.

For each size a database has that many conversations, half of them in one of 20 organizations, and
five times as many messages. A process for each size answers the requests of a member of that
organization. ``python -m tests.benchmarks inbox`` fills the databases.

``python -m tests.benchmarks.inbox SMALL LARGE`` measures on the URLs of two databases that
``tests.benchmarks.inbox_data`` has filled. ``--only WORD`` selects titles.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final

from tests.benchmarks.harness import TEMPLATE_DATABASE, Harness
from tests.benchmarks.results import Figure, Result, Target, interleave
from tests.benchmarks.servers import ROOT, environment

SIZES: Final = (1_000, 1_000_000)
#: The target for the time with the largest size as a multiple of the smallest's.
GROWTH: Final = 1.5
#: The target for the queries of a built-in view.
QUERIES: Final = 5


def inbox(harness: Harness) -> Result:
    """Measure the same requests on smaller and larger tables."""
    # The template is migrated with the first database.
    harness.data()
    urls, start = [], time.monotonic()
    for size in SIZES:
        print(f"  fill a database with {size:,} conversations", file=sys.stderr, flush=True)
        urls.append(harness.new_database(f"inbox{size}", TEMPLATE_DATABASE))
        harness.python(urls[-1], "-m", "tests.benchmarks.inbox_data", str(size))
    filled = f"The databases were filled in {time.monotonic() - start:.0f} s."
    result = compare(urls, rounds=harness.rounds, progress=harness.progress)
    result.notes.append(filled)
    return result


def compare(
    urls: list[str], *, rounds: int, progress: Callable[[str], None], only: str = ""
) -> Result:
    """Return the figures of databases, the smallest one first, and the targets for their ratios."""
    result = Result(notes=["In the process, without a server: requests, or what a stream reads."])
    with ExitStack() as resources:
        processes = [resources.enter_context(_answering(url)) for url in urls]
        servers = {f"{size:,}": process for size, process in zip(SIZES, processes, strict=True)}
        for title in _ask(processes[0], "titles"):
            if only not in title:
                continue
            turns = {size: partial(_ask, server, title) for size, server in servers.items()}
            for turn in turns.values():
                turn()
            measured = interleave(
                turns,
                rounds=rounds,
                progress=lambda text, title=title: progress(f"{title}: {text}"),
            )
            _add(result, title, measured)
    return result


def _add(result: Result, title: str, measured: Mapping[str, Mapping[str, list[float]]]) -> None:
    figures = {
        (size, unit): Figure(f"{title}: {size}", unit, values)
        for size, units in measured.items()
        for unit, values in units.items()
    }
    result.figures += figures.values()
    small, large = (f"{size:,}" for size in SIZES)
    ratio, by_cpu = (figures[large, unit].over(figures[small, unit]) for unit in ("ms", "ms CPU"))
    claim = f"{title}: time with {large} over {small}"
    result.targets.append(Target(claim, ratio, at_most=GROWTH, witness=by_cpu))
    if title.startswith("view"):
        queries = figures[large, "queries"]
        result.targets.append(Target(f"{title}: queries", queries, at_most=QUERIES))


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


def _overwrite(text: str) -> None:
    print(f"\r\033[K  {text}", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Measure on databases that have been filled before."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.inbox")
    parser.add_argument("urls", nargs=2, metavar="URL")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", metavar="WORD", help="in the title")
    options = parser.parse_args()
    result = compare(
        options.urls,
        rounds=options.rounds,
        only=options.only,
        progress=_overwrite if sys.stderr.isatty() else lambda text: None,
    )
    print()
    result.show()


if __name__ == "__main__":
    main()
