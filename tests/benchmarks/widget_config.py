"""The widget's public configuration: what every visit of every customer's page asks for."""

import time
from collections.abc import Mapping
from typing import Any

from tests.benchmarks import asking
from tests.benchmarks.bench import Bench, Data, Rival
from tests.benchmarks.load import Answer, Request, fire, request
from tests.benchmarks.measure import Aim, Figure, Outcome, figures_of, rate_aim
from tests.benchmarks.serving import BARE, OURS, Server

_AIM = 0.85
_WEBCHATS = 50
#: Of two signed URLs one may be longer.
_PADDING = 150
#: A session of the database tells what it did at the latest so much later.
_TOLD_AFTER = 2
_COUNTED = 30_000
_ASKED = 300
#: Of so many widgets.
_OFTEN = 3


def widget_config(bench: Bench) -> Outcome:
    """The service beside a view that has the answers ready."""
    data = bench.data()
    ours = bench.server(OURS, data)
    rows = _rows(data)
    got = _answers(ours, rows)
    file = asking.ready_answers(got, bench.folder)
    bare = bench.server(BARE, data, BENCHMARK_ANSWERS=file)
    outcome = Outcome(
        notes=[
            "The icons' storage is not there in any benchmark: who asked it would fail.",
            "Only the service logs requests and sends the headers of its browser policy.",
        ]
    )
    questions = {"config": [_request(row, got) for row in rows]}
    if not bench.quick:
        questions["config, 304"] = [_request(row, got, known=True) for row in rows]
    for question, requests in questions.items():
        measured = bench.turns({one.name: Rival(one, requests) for one in (ours, bare)})
        figures = figures_of(question, measured)
        outcome.figures += figures.values()
        outcome.aims.append(rate_aim(question, figures, ours.name, bare.name, _AIM))
        if "304" in question:
            outcome.aims.append(_share_of_304(ours, requests))
    _count_transactions(bench, data, Rival(ours, questions["config"][:_OFTEN]), outcome)
    return outcome


def configurations(server: Server, data: Data) -> list[Request]:
    """Requests for configurations, of which the server has been asked once."""
    rows = _rows(data)
    got = _answers(server, rows)
    return [_request(row, got) for row in rows]


def _rows(data: Data) -> list[dict[str, Any]]:
    return [row for row in data.webchats if row["is_enabled"]][:_WEBCHATS]


def _headers(row: Mapping[str, Any]) -> dict[str, str]:
    """As the browser on a customer's page sends them."""
    origin = row["origin"]
    return {"Origin": origin, "Referer": f"{origin}/", "Accept-Encoding": "gzip, deflate, br"}


def _answers(server: Server, rows: list[dict[str, Any]]) -> dict[str, Answer]:
    got: dict[str, Answer] = {}
    for row in rows:
        path = f"/widget/{row['id']}/config"
        got |= asking.answers(server, [path], headers=_headers(row))
    return got


def _request(row: Mapping[str, Any], got: Mapping[str, Answer], *, known: bool = False) -> Request:
    path = f"/widget/{row['id']}/config"
    etag = got[path].header("ETag")
    assert etag is not None, f"no ETag for {path}"
    known_etag = {"If-None-Match": etag} if known else {}
    length = len(got[path].body)
    return Request(
        request(path, headers={**_headers(row), **known_etag}),
        statuses=(304, 200) if known else (200,),
        length=range(length - _PADDING, length + _PADDING),
    )


def _share_of_304(ours: Server, requests: list[Request]) -> Aim:
    """Every worker is to know again what another one has answered."""
    load = fire(ours.port, requests, seconds=30, most=_ASKED)
    share = Figure("config, known to the browser: share of 304", "x", [load.as_asked])
    return Aim(share.name, share, at_least=1.0)


def _count_transactions(bench: Bench, data: Data, rival: Rival, outcome: Outcome) -> None:
    """What the database itself has counted, while few widgets were asked for again and again:
    each is looked up anew now and then, and its last load noted."""
    query = (
        f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{data.name}'"
    )
    time.sleep(_TOLD_AFTER)
    before = bench.ask(data, query, from_outside=True)
    load = fire(rival.server.port, rival.requests, seconds=5, most=_COUNTED)
    time.sleep(_TOLD_AFTER)
    used = (bench.ask(data, query, from_outside=True) - before) / len(load.latencies)
    figure = Figure("config, asked often: database transactions for a request", "x", [used])
    outcome.figures.append(figure)
    outcome.aims.append(Aim(figure.name, figure, at_most=0.01, bound=0.1))
