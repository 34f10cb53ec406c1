"""Compare server programs that run the service with the same number of workers."""

from contextlib import ExitStack

from tests.benchmarks import responses
from tests.benchmarks.documents import get_paths
from tests.benchmarks.harness import Contender, Harness
from tests.benchmarks.programs import PROGRAMS, THREADS, WORKERS
from tests.benchmarks.results import Figure, Result, build_figures
from tests.benchmarks.servers import SERVICE, environment, serving
from tests.benchmarks.widget_config import config_requests


def server_programs(harness: Harness) -> Result:
    """Measure rates, latencies, memory and the time to the first response of each program."""
    data = harness.data()
    result = Result(notes=[f"{WORKERS} workers each; workers with threads have {THREADS}."])
    with ExitStack() as running:
        servers = {}
        for program in PROGRAMS.values():
            harness.progress(f"start {program.name}")
            server = serving(SERVICE, program, environment(data.url))
            servers[program.name] = running.enter_context(server)
        first = next(iter(servers.values()))
        operations = {
            operation: responses.requests_for(
                responses.fetch(first, get_paths(data, operation), token=data.tokens[0]),
                data.tokens,
            )
            for operation in ("one", "list")
        }
        operations["config"] = config_requests(first, data)
        for operation, requests in operations.items():
            contenders = {name: Contender(server, requests) for name, server in servers.items()}
            result.figures += build_figures(operation, harness.measure(contenders)).values()
        for name, server in servers.items():
            title = f"after the load: {name}"
            result.figures += [Figure(title, u, [v]) for u, v in server.memory().items()]
            result.figures.append(Figure(title, "s to first response", [server.first_response]))
    return result
