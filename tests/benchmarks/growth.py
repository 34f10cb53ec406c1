"""Response times of the list with more rows, in many organizations or in a single one."""

import json
import time
from urllib.parse import quote

from tests.benchmarks.harness import Contender, Data, Harness
from tests.benchmarks.load import Request, UnexpectedResponse, render_request, send
from tests.benchmarks.results import Figure, Result, Target
from tests.benchmarks.servers import SERVICE, Server

#: Webchats in the database.
SIZES = (1_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 20_000)
WEBCHATS_PER_ORGANIZATION = 500
#: The target for the time with the largest size as a multiple of the smallest's.
TARGET = 1.5
#: Few connections, so that the time of a single request shows. A turn ends after 30 requests.
LOAD = {"connections": 2, "max_requests": 30}
UNFILTERED = "newest 20"


def query_strings(data: Data) -> dict[str, str]:
    """Return the query strings of the list that are measured, by their titles."""
    return {
        UNFILTERED: "",
        "isEnabled=true": "?isEnabled=true",
        "isEnabled=false": "?isEnabled=false",
        "promptId": f"?promptId={data.prompts[0]}",
        "search, one row": f"?search={quote(data.webchats[7]['name'])}",
        "search, a tenth": "?search=harbor",
        "ordering=name": "?ordering=name",
        "ordering=-updatedAt": "?ordering=-updatedAt",
    }


def growth(harness: Harness) -> Result:
    """Measure the same requests on smaller and larger tables."""
    result = Result(notes=["First response: without a cached total."])
    sizes = QUICK_SIZES if harness.quick else SIZES
    shapes = {"by organizations": WEBCHATS_PER_ORGANIZATION, "in one": max(sizes)}
    for shape, per_organization in shapes.items():
        if harness.quick and shape != "in one":
            continue
        tables = {size: harness.data(size, max(1, size // per_organization)) for size in sizes}
        for title in query_strings(tables[sizes[0]]):
            if not harness.quick or title in (UNFILTERED, "isEnabled=true", "ordering=name"):
                _measure(harness, shape, title, tables, result)
        if harness.explain:
            plans = _query_plans(harness, tables[max(sizes)])
            result.notes.append(f"{shape}, {max(sizes):,} rows\n{plans}")
    return result


def _measure(
    harness: Harness, shape: str, title: str, tables: dict[int, Data], result: Result
) -> None:
    contenders, first = {}, dict[str, float]()
    for size, data in tables.items():
        server = harness.server(SERVICE, data, workers=1)
        path = f"/api/webchats{query_strings(data)[title]}"
        requests = [Request(render_request(path, token=token)) for token in data.tokens]
        contenders[f"{size:,}"] = Contender(server, requests)
        complete = data.total if title == UNFILTERED else 0
        first[f"{size:,}"] = _first_response(server, requests[0], complete)
    measurements = harness.measure(contenders, **LOAD)
    name = f"{shape}, {title}"
    result.figures += [
        Figure(f"{name}: {size} rows", unit, measurements[size][unit])
        for size in contenders
        for unit in ("ms median", "ms CPU")
    ]
    result.figures += [
        Figure(f"{name}: {size} rows", "ms first response", [value])
        for size, value in first.items()
    ]
    smallest, largest = (
        Figure(name, "ms median", measurements[f"{size:,}"]["ms median"])
        for size in (min(tables), max(tables))
    )
    claim = f"{name}: time with {max(tables):,} rows over {min(tables):,}"
    ratio = largest.over(smallest)
    result.targets.append(Target(claim, ratio, at_most=TARGET, bound=2 * TARGET))


def _first_response(server: Server, request: Request, total: int) -> float:
    """Return the milliseconds until the first response, for which the service must count rows.

    Raise ``UnexpectedResponse`` if it reports fewer than ``total`` rows. It may report more: the
    benchmark ``writes`` adds some.
    """
    start = time.perf_counter()
    response = send(server.port, request.raw)
    milliseconds = 1000 * (time.perf_counter() - start)
    reported = json.loads(response.body)["pagination"]["total"]
    if reported < total:
        raise UnexpectedResponse(f"The total is {reported}, expected at least {total}.")
    return milliseconds


def _query_plans(harness: Harness, data: Data) -> str:
    paths = [f"/api/webchats{query}" for query in query_strings(data).values()]
    module = ("-m", "tests.benchmarks.explain", data.tokens[0], *paths)
    # Static files are not collected here, which WhiteNoise warns about.
    return harness.python(data.url, *module, PYTHONWARNINGS="ignore")
