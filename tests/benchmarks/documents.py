"""Read one document, and lists of 20, with an access token: the service and its peers."""

from tests.benchmarks import responses
from tests.benchmarks.harness import Contender, Data, Harness
from tests.benchmarks.results import Result, build_figures, rate_target, ratios
from tests.benchmarks.servers import BARE, DRF, FASTAPI, NINJA, SERVICE

#: By operation: peers, and the target for our rate as a multiple of theirs.
TARGETS = {
    "list": ((DRF, 2.5), (NINJA, 1.5), (FASTAPI, 1.0)),
    "one": ((DRF, 2.0), (NINJA, 1.0)),
}
PAGES = 5


def get_paths(data: Data, operation: str, sample: int = 200) -> list[str]:
    """Return the paths to request: ``sample`` documents, or the first pages of the list."""
    if operation == "one":
        return [f"/api/webchats/{row['id']}" for row in data.webchats[:sample]]
    last = min(PAGES, max(1, data.total // 20))
    return ["/api/webchats", *(f"/api/webchats?page={page}" for page in range(2, last + 1))]


def documents(harness: Harness) -> Result:
    """Measure the service and its peers."""
    result = Result(
        notes=[
            "Each server signs the icon URLs itself. The responses are equal otherwise.",
            "Only the service logs requests, counts them (throttles, metrics) and checks the role.",
        ]
    )
    for operation in TARGETS:
        _measure(harness, operation, result)
    return result


def _measure(harness: Harness, operation: str, result: Result) -> None:
    data = harness.data()
    paths = get_paths(data, operation, sample=20 if harness.quick else 200)
    service = harness.server(SERVICE, data)
    expected = responses.fetch(service, paths, token=data.tokens[0])
    peers = [DRF] if harness.quick else [DRF, NINJA, FASTAPI]
    servers = [harness.server(application, data) for application in (*harness.services, *peers)]
    if not harness.quick:
        file = responses.write_responses(expected, harness.folder)
        servers.append(harness.server(BARE, data, BENCHMARK_RESPONSES=file))
    contenders = {}
    for server in servers:
        tokens = harness.tokens(server.application, data)
        fetched = responses.fetch(server, paths, token=tokens[0])
        responses.compare(expected, fetched, server.name)
        contenders[server.name] = Contender(server, responses.requests_for(fetched, tokens))
    figures = build_figures(operation, harness.measure(contenders))
    result.figures += figures.values()
    if harness.against:
        result.figures += ratios(operation, figures, SERVICE.name, harness.against.name)
    for peer, factor in TARGETS[operation]:
        if peer.name in contenders:
            target = rate_target(operation, figures, SERVICE.name, peer.name, factor)
            result.targets.append(target)
