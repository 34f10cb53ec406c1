"""What a list costs as the service grows: by organizations, or within a single one."""

import json
import time
from urllib.parse import quote

from tests.benchmarks.bench import Bench, Data, Rival
from tests.benchmarks.load import Request, WrongAnswer, ask, request
from tests.benchmarks.measure import Aim, Figure, Outcome
from tests.benchmarks.serving import OURS, Server

_SIZES = (1_000, 100_000, 1_000_000)
_QUICK_SIZES = (1_000, 20_000)
_ROWS_OF_ONE = 500
_MOST = 1.5
#: Few at a time, so that a question's own cost is seen; a turn ends after so many answers.
_LOAD = {"connections": 2, "most": 30}
_CPU = "ms CPU"
_ALL = "newest 20"


def questions_of(data: Data) -> dict[str, str]:
    """What the list is asked, each as a query."""
    return {
        _ALL: "",
        "isEnabled=true": "?isEnabled=true",
        "isEnabled=false": "?isEnabled=false",
        "promptId": f"?promptId={data.prompts[0]}",
        "search, one row": f"?search={quote(data.webchats[7]['name'])}",
        "search, a tenth": "?search=harbour",
        "ordering=name": "?ordering=name",
        "ordering=-updatedAt": "?ordering=-updatedAt",
    }


def growth(bench: Bench) -> Outcome:
    """The same questions to smaller and larger tables, in turns."""
    outcome = Outcome(notes=["At first: with nothing remembered of the question (a total is)."])
    sizes = _QUICK_SIZES if bench.quick else _SIZES
    for shape, rows_of_one in (("by organizations", _ROWS_OF_ONE), ("in one", max(sizes))):
        if bench.quick and shape != "in one":
            continue
        tables = {size: bench.data(size, max(1, size // rows_of_one)) for size in sizes}
        for question in questions_of(tables[sizes[0]]):
            if not bench.quick or question in (_ALL, "isEnabled=true", "ordering=name"):
                _measure(bench, f"{shape}, {question}", question, tables, outcome)
        if bench.explain:
            data = tables[max(sizes)]
            paths = [f"/api/webchats{query}" for query in questions_of(data).values()]
            outcome.notes.append(f"{shape}, {max(sizes):,} rows\n{_plans(bench, data, paths)}")
    return outcome


def _measure(
    bench: Bench, title: str, question: str, tables: dict[int, Data], outcome: Outcome
) -> None:
    rivals, first = {}, dict[str, float]()
    for size, data in tables.items():
        server = bench.server(OURS, data, workers=1)
        path = f"/api/webchats{questions_of(data)[question]}"
        requests = [Request(request(path, token=token)) for token in data.tokens]
        rivals[f"{size:,}"] = Rival(server, requests)
        first[f"{size:,}"] = _first_answer(server, requests[0], data if question == _ALL else None)
    measured = bench.turns(rivals, **_LOAD)
    figures = [
        Figure(f"{title}: {size} rows", unit, measured[size][unit])
        for size in rivals
        for unit in ("ms median", _CPU)
    ]
    outcome.figures += figures
    outcome.figures += [
        Figure(f"{title}: {size} rows", "ms at first", [value]) for size, value in first.items()
    ]
    least, most = f"{min(tables):,}", f"{max(tables):,}"
    ratio = Figure(title, "ms median", measured[most]["ms median"]).over(
        Figure(title, "ms median", measured[least]["ms median"])
    )
    claim = f"{title}: time at {most} rows over that at {least}"
    outcome.aims.append(Aim(claim, ratio, at_most=_MOST, bound=2 * _MOST))


def _first_answer(server: Server, asked: Request, complete: Data | None) -> float:
    """Milliseconds of the first answer, for which nothing is remembered; where it is about all
    rows, all must be counted (``writes`` may have added some)."""
    start = time.perf_counter()
    answer = ask(server.port, asked.raw)
    milliseconds = 1000 * (time.perf_counter() - start)
    total = json.loads(answer.body)["pagination"]["total"]
    if complete is not None and total < complete.total:
        raise WrongAnswer(f"{total} rows are told, {complete.total} are there.")
    return milliseconds


def _plans(bench: Bench, data: Data, paths: list[str]) -> str:
    program = ("-m", "tests.benchmarks.explain", data.tokens[0], *paths)
    # Of the static files, which are not collected here.
    return bench.python(data.url, *program, PYTHONWARNINGS="ignore")
