"""From nothing to the first answer, what a worker weighs, and which imports cost the time."""

import re
import subprocess
import sys
import time

from tests.benchmarks import asking
from tests.benchmarks.bench import Bench, Data
from tests.benchmarks.documents import paths_of
from tests.benchmarks.load import fire
from tests.benchmarks.measure import Figure, Outcome
from tests.benchmarks.serving import OURS, ROOT, environment, serving

_SLOW = 20  # milliseconds
#: The application, and the views that its first request imports.
_IMPORT = (
    "import webchat_project.wsgi; from django.urls import get_resolver; get_resolver().url_patterns"
)
_LINE = re.compile(r"import time:\s+\d+ \|\s+(\d+) \|( +)(\S+)")


def start(bench: Bench) -> Outcome:
    """One worker, started again and again."""
    data = bench.data()
    rounds = min(5, bench.rounds)
    measured: dict[str, list[float]] = {}
    for number in range(rounds):
        bench.tell(f"start {number + 1} of {rounds}")
        for name, value in _start_once(bench, data).items():
            measured.setdefault(name, []).append(value)
    outcome = Outcome()
    for name, values in measured.items():
        question, _, unit = name.partition(", ")
        outcome.figures.append(Figure(f"{question} ({bench.program.name})", unit, values))
    imports: dict[str, list[float]] = {}
    for number in range(rounds):
        bench.tell(f"imports {number + 1} of {rounds}")
        for name, value in _import_times(data).items():
            imports.setdefault(name, []).append(value)
    figures = [Figure(name, "ms", values) for name, values in imports.items()]
    outcome.figures += [figure for figure in figures if figure.median > _SLOW]
    outcome.notes.append("Imports: with what they import themselves, the inner ones indented.")
    return outcome


def _start_once(bench: Bench, data: Data) -> dict[str, float]:
    begin = time.perf_counter()
    with serving(OURS, bench.program, environment(data.url), workers=1) as server:
        paths = paths_of(data, "one", sample=20)
        first = asking.answers(server, paths[:1], token=data.tokens[0])
        until_document = time.perf_counter() - begin
        fresh = server.memory()
        requests = asking.reading(first, data.tokens)
        for question in ("one", "list"):
            got = asking.answers(server, paths_of(data, question, 20), token=data.tokens[0])
            requests += asking.reading(got, data.tokens)
        fire(server.port, requests, seconds=2, most=1000)
        worn = server.memory()
    return {
        "to the first answer, s": server.first_answer,
        "to the first document, s": until_document,
        "one worker at first, MiB": fresh["MiB, a worker"],
        "one worker after 1,000 requests, MiB": worn["MiB, a worker"],
    }


def _import_times(data: Data) -> dict[str, float]:
    command = [sys.executable, "-X", "importtime", "-c", _IMPORT]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(data.url), capture_output=True, text=True, check=True
    )
    found = _LINE.findall(done.stderr)
    # The outer module comes after those that it has imported: turn that around.
    return {f"{depth}{name}": int(spent) / 1000 for spent, depth, name in reversed(found)}
