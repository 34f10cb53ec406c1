"""Which program should serve? The same service on each, with the same cores."""

from contextlib import ExitStack

from tests.benchmarks import asking
from tests.benchmarks.bench import Bench, Rival
from tests.benchmarks.documents import paths_of
from tests.benchmarks.measure import Figure, Outcome, figures_of
from tests.benchmarks.serving import OURS, PROGRAMS, THREADS, WORKERS, environment, serving
from tests.benchmarks.widget_config import configurations


def server_programs(bench: Bench) -> Outcome:
    """Rates, latencies, memory and the start of each."""
    data = bench.data()
    outcome = Outcome(notes=[f"{WORKERS} workers each; where workers have threads, {THREADS}."])
    with ExitStack() as running:
        servers = {}
        for program in PROGRAMS.values():
            bench.tell(f"start {program.name}")
            started = serving(OURS, program, environment(data.url))
            servers[program.name] = running.enter_context(started)
        first = next(iter(servers.values()))
        questions = {
            question: asking.reading(
                asking.answers(first, paths_of(data, question), token=data.tokens[0]), data.tokens
            )
            for question in ("one", "list")
        }
        questions["config"] = configurations(first, data)
        for question, requests in questions.items():
            rivals = {name: Rival(server, requests) for name, server in servers.items()}
            outcome.figures += figures_of(question, bench.turns(rivals)).values()
        for name, server in servers.items():
            title = f"after the load: {name}"
            outcome.figures += [Figure(title, u, [v]) for u, v in server.memory().items()]
            outcome.figures.append(Figure(title, "s to first answer", [server.first_answer]))
    return outcome
