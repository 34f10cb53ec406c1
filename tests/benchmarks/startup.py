"""The time to the first response, the memory of a worker, and the slowest imports."""

import re
import subprocess
import sys
import time

from tests.benchmarks import responses
from tests.benchmarks.documents import get_paths
from tests.benchmarks.harness import Data, Harness
from tests.benchmarks.load import run_load
from tests.benchmarks.results import Figure, Result
from tests.benchmarks.servers import ROOT, Application, environment, serving

#: Milliseconds. Faster imports are not reported.
SLOW_IMPORT = 20
#: The application, and the views that the first request imports.
IMPORTS = (
    "import webchat_project.wsgi; from django.urls import get_resolver; get_resolver().url_patterns"
)
IMPORT_TIME = re.compile(r"import time:\s+\d+ \|\s+(\d+) \|( +)(\S+)")


def startup(harness: Harness) -> Result:
    """Start one worker several times; measure times, memory and slow imports."""
    data = harness.data()
    rounds = min(5, harness.rounds)
    result = Result()
    measured: dict[tuple[str, str], list[float]] = {}
    imports: dict[str, list[float]] = {}
    for number in range(rounds):
        for service in harness.services:
            harness.progress(f"start {number + 1} of {rounds}: {service.name}")
            for (title, unit), value in _start(harness, service, data).items():
                title = f"{title} ({service.name}, {harness.program.name})"
                measured.setdefault((title, unit), []).append(value)
        harness.progress(f"imports {number + 1} of {rounds}")
        for name, value in _import_times(data).items():
            imports.setdefault(name, []).append(value)
    result.figures += [Figure(title, unit, values) for (title, unit), values in measured.items()]
    figures = [Figure(name, "ms", values) for name, values in imports.items()]
    result.figures += [figure for figure in figures if figure.median > SLOW_IMPORT]
    result.notes.append("The time of an import includes that of the indented imports below it.")
    return result


def _start(harness: Harness, service: Application, data: Data) -> dict[tuple[str, str], float]:
    """Return the figures of one start by title and unit."""
    tokens = harness.tokens(service, data)
    variables = environment(data.url, service.folder)
    begin = time.perf_counter()
    with serving(service, harness.program, variables, workers=1) as server:
        paths = get_paths(data, "one", sample=20)
        first = responses.fetch(server, paths[:1], token=tokens[0])
        first_document = time.perf_counter() - begin
        memory_at_first = server.memory()
        requests = responses.requests_for(first, tokens)
        for operation in ("one", "list"):
            fetched = responses.fetch(server, get_paths(data, operation, 20), token=tokens[0])
            requests += responses.requests_for(fetched, tokens)
        run_load(server.port, requests, seconds=2, max_requests=1000)
        memory = server.memory()
    return {
        ("to the first response", "s"): server.first_response,
        ("to the first document", "s"): first_document,
        ("one worker after the start", "MiB"): memory_at_first["MiB, a worker"],
        ("one worker after 1,000 requests", "MiB"): memory["MiB, a worker"],
    }


def _import_times(data: Data) -> dict[str, float]:
    """Return milliseconds by module, each indented by its depth, importing modules first."""
    command = [sys.executable, "-X", "importtime", "-c", IMPORTS]
    completed = subprocess.run(
        command, cwd=ROOT, env=environment(data.url), capture_output=True, text=True, check=True
    )
    found = IMPORT_TIME.findall(completed.stderr)
    # Python prints a module after those that it imports.
    return {f"{depth}{name}": int(spent) / 1000 for spent, depth, name in reversed(found)}
