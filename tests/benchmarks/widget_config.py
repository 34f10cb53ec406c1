"""The widget's public configuration, which every visit of every customer's page requests."""

import time
from collections.abc import Mapping
from typing import Any

from tests.benchmarks import responses
from tests.benchmarks.harness import Contender, Data, Harness
from tests.benchmarks.load import Request, Response, render_request, run_load
from tests.benchmarks.results import Figure, Result, Target, build_figures, rate_target, ratios
from tests.benchmarks.servers import BARE, SERVICE, Server

#: The target for our rate as a multiple of the bare view's.
TARGET = 1.2
WEBCHATS = 50
#: Bytes by which a response may be longer or shorter: signed URLs differ in length.
LENGTH_TOLERANCE = 150
#: Seconds until a database session has reported its transactions to the statistics.
STATISTICS_DELAY = 2
#: The requests whose transactions are counted. They are for few webchats, so that each is cached.
COUNTED_REQUESTS = 30_000
QUICK_COUNTED_REQUESTS = 6_000
COUNTED_WEBCHATS = 3


def widget_config(harness: Harness) -> Result:
    """Measure the service and a view that returns prepared responses."""
    data = harness.data()
    services = [harness.server(application, data) for application in harness.services]
    rows = _rows(data)
    fetched = _fetch(services[0], rows)
    file = responses.write_responses(fetched, harness.folder)
    bare = harness.server(BARE, data, BENCHMARK_RESPONSES=file)
    result = Result(
        notes=[
            "The storage of icons does not exist in any benchmark: accessing it would fail.",
            "Only the service logs requests and sends security headers.",
        ]
    )
    operations = {"config": False} if harness.quick else {"config": False, "config, 304": True}
    for operation, is_cached in operations.items():
        contenders = {
            server.name: Contender(server, config_requests(server, data, is_cached=is_cached))
            for server in (*services, bare)
        }
        figures = build_figures(operation, harness.measure(contenders))
        result.figures += figures.values()
        if harness.against:
            result.figures += ratios(operation, figures, SERVICE.name, harness.against.name)
        result.targets.append(rate_target(operation, figures, SERVICE.name, bare.name, TARGET))
        if is_cached:
            result.targets.append(_share_of_304(contenders[SERVICE.name]))
    requests = config_requests(services[0], data)[:COUNTED_WEBCHATS]
    _count_transactions(harness, Contender(services[0], requests), result)
    return result


def config_requests(server: Server, data: Data, *, is_cached: bool = False) -> list[Request]:
    """Return requests for configurations, with the ``ETag`` of a cached one if ``is_cached``."""
    rows = _rows(data)
    fetched = _fetch(server, rows)
    return [_request(row, fetched, is_cached=is_cached) for row in rows]


def _rows(data: Data) -> list[dict[str, Any]]:
    return [row for row in data.webchats if row["is_enabled"]][:WEBCHATS]


def _path(row: Mapping[str, Any]) -> str:
    return f"/widget/{row['id']}/config"


def _headers(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that a browser sends from a customer's page."""
    origin = row["origin"]
    return {"Origin": origin, "Referer": f"{origin}/", "Accept-Encoding": "gzip, deflate, br"}


def _fetch(server: Server, rows: list[dict[str, Any]]) -> dict[str, Response]:
    fetched: dict[str, Response] = {}
    for row in rows:
        fetched |= responses.fetch(server, [_path(row)], headers=_headers(row))
    return fetched


def _request(
    row: Mapping[str, Any], fetched: Mapping[str, Response], *, is_cached: bool
) -> Request:
    response = fetched[_path(row)]
    etag = response.header("ETag")
    assert etag is not None, f"no ETag for {_path(row)}"
    condition = {"If-None-Match": etag} if is_cached else {}
    length = len(response.body)
    return Request(
        render_request(_path(row), headers={**_headers(row), **condition}),
        statuses=(304, 200) if is_cached else (200,),
        length=range(length - LENGTH_TOLERANCE, length + LENGTH_TOLERANCE),
    )


def _share_of_304(contender: Contender) -> Target:
    """Return the target that every worker recognizes the ``ETag`` of another worker's response."""
    load = run_load(contender.server.port, contender.requests, seconds=30, max_requests=300)
    share = Figure("config, in the browser's cache: share of 304", "x", [load.first_status_share])
    return Target(share.name, share, at_least=1.0)


def _count_transactions(harness: Harness, contender: Contender, result: Result) -> None:
    """Add the database transactions per request, according to ``pg_stat_database``.

    They are not zero: a configuration expires in the response cache, and its last load is stored.
    """
    data = harness.data()
    sql = f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{data.name}'"
    time.sleep(STATISTICS_DELAY)
    before = harness.query(data, sql, other_database=True)
    count = QUICK_COUNTED_REQUESTS if harness.quick else COUNTED_REQUESTS
    load = run_load(contender.server.port, contender.requests, seconds=5, max_requests=count)
    time.sleep(STATISTICS_DELAY)
    transactions = harness.query(data, sql, other_database=True) - before
    figure = Figure(
        "config, requested often: database transactions per request",
        "x",
        [transactions / len(load.latencies)],
    )
    result.figures.append(figure)
    result.targets.append(Target(figure.name, figure, at_most=0.01, bound=0.1))
