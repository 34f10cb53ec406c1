"""Writing one document: a new one, two fields of one, a whole one."""

import json
from typing import Any

from tests.benchmarks import asking
from tests.benchmarks.bench import Bench, Data, Rival
from tests.benchmarks.load import Request, WrongAnswer, fire, request
from tests.benchmarks.measure import Outcome, figures_of, rate_aim
from tests.benchmarks.serving import DRF, NINJA, OURS, Server

_AIM = 1.2
_TABLES = ("webchats_webchat", "webchats_historicalwebchat")
_NOTES = [
    "Every contender writes the row and its version in the history, under the same constraints.",
    "Vanilla DRF does not check: whose the prompt, pipeline and stage are, whether they are active "
    "and belong together, where contacts go; JSON's types strictly; rate limits and roles. It does "
    "not lock the row. An icon is not written.",
    "django-ninja does not ask the model's validators either (domains are any strings).",
    "All rows written are one organization's. Two documents in five that are put back have an "
    "icon, which only the service looks at, under a lock of the organization.",
]


def writes(bench: Bench) -> Outcome:
    """The service beside its peers, on the same rows."""
    data = bench.data()
    outcome = Outcome(notes=_NOTES)
    servers = [
        bench.server(application, data)
        for application in ([OURS, DRF] if bench.quick else [OURS, DRF, NINJA])
    ]
    questions = {"create": _creating(data), "patch": _patching(data)}
    if not bench.quick:
        questions["put"] = _putting(data, servers[0])
    for question, requests in questions.items():
        _measure(bench, question, requests, servers, outcome)
    return outcome


def _measure(
    bench: Bench,
    question: str,
    requests: list[Request],
    servers: list[Server],
    outcome: Outcome,
) -> None:
    for server in servers:
        _check_that_it_writes(bench, question, requests, server)
    measured = bench.turns({server.name: Rival(server, requests) for server in servers})
    figures = figures_of(question, measured)
    outcome.figures += figures.values()
    outcome.aims.append(rate_aim(question, figures, OURS.name, DRF.name, _AIM))


def _check_that_it_writes(
    bench: Bench, question: str, requests: list[Request], server: Server
) -> None:
    """Ten answers are ten versions in the history, and where rows are new ten rows."""
    data = bench.data()
    before = [bench.ask(data, f"SELECT count(*) FROM {table}") for table in _TABLES]
    fire(server.port, requests, seconds=30, most=10, connections=2)
    after = [bench.ask(data, f"SELECT count(*) FROM {table}") for table in _TABLES]
    if [new - old for new, old in zip(after, before, strict=True)] != [
        10 if question == "create" else 0,
        10,
    ]:
        raise WrongAnswer(f"{server.name} does not write what it should: {before}, then {after}")


def _body(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()


def _creating(data: Data) -> list[Request]:
    """New webchats as a client sends them: what is required, and some of the rest."""
    bodies = (
        {
            "name": f"New webchat {number}",
            "description": "For the spring campaign, on the landing pages.",
            "starterMessage": "Hi! Looking for pricing?",
            "backgroundColor": "#FFFFFF",
            "primaryColor": "#1F2937",
            "secondaryColor": "#3B82F6",
            "promptId": data.prompts[number % len(data.prompts)],
            "allowedDomains": [f"https://new-{number}.example.com", f"*.new-{number}.example"],
            "initialStage": "new",
            "position": "bottom-left",
            "offsetX": number % 200,
        }
        for number in range(1000)
    )
    return [
        Request(
            request(
                "/api/webchats",
                method="POST",
                token=data.tokens[number % len(data.tokens)],
                body=_body(body),
            ),
            statuses=(201,),
            length=range(800, 2000),
        )
        for number, body in enumerate(bodies)
    ]


def _patching(data: Data) -> list[Request]:
    return [
        _changing("PATCH", data, number, {"name": f"Renamed {number}", "primaryColor": "#0A7F3F"})
        for number in range(len(data.webchats))
    ]


def _putting(data: Data, ours: Server) -> list[Request]:
    """What a client reads, changes and sends back whole."""
    paths = [f"/api/webchats/{row['id']}" for row in data.webchats]
    read = asking.answers(ours, paths, token=data.tokens[0])
    documents = [json.loads(answer.body)["data"] for answer in read.values()]
    return [
        _changing("PUT", data, number, {**document, "description": f"As of change {number}."})
        for number, document in enumerate(documents)
    ]


def _changing(method: str, data: Data, number: int, content: dict[str, Any]) -> Request:
    raw = request(
        f"/api/webchats/{data.webchats[number]['id']}",
        method=method,
        token=data.tokens[number % len(data.tokens)],
        body=_body(content),
    )
    return Request(raw, length=range(800, 2500))
