"""One document and a list of 20, for members with a JWT."""

from tests.benchmarks import asking
from tests.benchmarks.bench import Bench, Data, Rival
from tests.benchmarks.measure import Outcome, figures_of, rate_aim
from tests.benchmarks.serving import BARE, DRF, FASTAPI, NINJA, OURS, Application, Server

#: By question: the peer, and how many times its rate is asked for.
_AIMS = {
    "list": ((DRF, 2.5), (NINJA, 1.0)),
    "one": ((DRF, 1.5), (NINJA, 1.0)),
}
_PAGES = 5


def paths_of(data: Data, question: str, sample: int = 200) -> list[str]:
    """What is asked: documents by id, or the first pages of the list."""
    if question == "one":
        return [f"/api/webchats/{row['id']}" for row in data.webchats[:sample]]
    last = min(_PAGES, max(1, data.total // 20))
    return ["/api/webchats", *(f"/api/webchats?page={page}" for page in range(2, last + 1))]


def documents(bench: Bench) -> Outcome:
    """The service beside its peers."""
    outcome = Outcome(
        notes=[
            "Each server signs the icons' addresses itself; all else in the answers is equal.",
            "Only the service logs requests, counts them (limits, metrics) and asks for the role.",
        ]
    )
    for question in _AIMS:
        _measure(bench, question, outcome)
    return outcome


def _measure(bench: Bench, question: str, outcome: Outcome) -> None:
    data = bench.data()
    paths = paths_of(data, question, sample=20 if bench.quick else 200)
    ours = bench.server(OURS, data)
    expected = asking.answers(ours, paths, token=data.tokens[0])
    rivals = {ours.name: Rival(ours, asking.reading(expected, data.tokens))}
    peers: list[Application] = [DRF] if bench.quick else [DRF, NINJA, FASTAPI]
    servers: list[Server] = [bench.server(peer, data) for peer in peers]
    if not bench.quick:
        file = asking.ready_answers(expected, bench.folder)
        servers.append(bench.server(BARE, data, BENCHMARK_ANSWERS=file))
    for server in servers:
        theirs = asking.answers(server, paths, token=data.tokens[0])
        asking.compare(expected, theirs, server.name)
        rivals[server.name] = Rival(server, asking.reading(theirs, data.tokens))
    measured = bench.turns(rivals)
    figures = figures_of(question, measured)
    outcome.figures += figures.values()
    for peer, factor in _AIMS[question]:
        if peer.name in measured:
            outcome.aims.append(rate_aim(question, figures, ours.name, peer.name, factor))
