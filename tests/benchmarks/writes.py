"""Writes of one document: POST, PATCH of two fields, and PUT of all fields."""

import json
from typing import Any

from tests.benchmarks import responses
from tests.benchmarks.harness import Contender, Data, Harness
from tests.benchmarks.load import Request, UnexpectedResponse, render_request, run_load
from tests.benchmarks.results import Result, build_figures, rate_target, ratios
from tests.benchmarks.servers import DRF, NINJA, SERVICE, Server

#: The target for our rate as a multiple of vanilla DRF's.
TARGET = 1.2
TABLES = ("webchats_webchat", "webchats_historicalwebchat")
NOTES = [
    "Every contender writes the row and its version in the history, under the same constraints.",
    "Vanilla DRF does not check whether the prompt, pipeline and stage belong to the organization, "
    "are active and match. It skips the initial stage, strict JSON types, throttles and roles. It "
    "neither locks the row nor writes icons.",
    "django-ninja skips the model's validators as well (domains are any strings).",
    "All rows belong to one organization. Two of five replaced documents have an icon, which only "
    "the service checks, with a lock of the organization.",
]


def writes(harness: Harness) -> Result:
    """Measure the service and its peers on the same rows."""
    data = harness.data()
    result = Result(notes=NOTES)
    peers = [DRF] if harness.quick else [DRF, NINJA]
    servers = [harness.server(application, data) for application in (*harness.services, *peers)]
    operations = {"create": create_requests, "patch": patch_requests}
    if not harness.quick:
        operations["put"] = put_requests
    for operation, requests_of in operations.items():
        contenders = {}
        for server in servers:
            requests = requests_of(data, harness.tokens(server.application, data), servers[0])
            contenders[server.name] = Contender(server, requests)
            _check_writes(harness, operation, contenders[server.name])
        figures = build_figures(operation, harness.measure(contenders))
        result.figures += figures.values()
        if harness.against:
            result.figures += ratios(operation, figures, SERVICE.name, harness.against.name)
        result.targets.append(rate_target(operation, figures, SERVICE.name, DRF.name, TARGET))
    return result


def _check_writes(harness: Harness, operation: str, contender: Contender) -> None:
    """Raise unless ten requests add ten versions, and ten rows if they create."""
    data = harness.data()
    before = [harness.query(data, f"SELECT count(*) FROM {table}") for table in TABLES]
    run_load(contender.server.port, contender.requests, seconds=30, max_requests=10, connections=2)
    after = [harness.query(data, f"SELECT count(*) FROM {table}") for table in TABLES]
    added = [new - old for new, old in zip(after, before, strict=True)]
    if added != [10 if operation == "create" else 0, 10]:
        raise UnexpectedResponse(f"{contender.server.name}: {operation} added {added} rows")


def create_requests(data: Data, tokens: list[str], _service: Server) -> list[Request]:
    """Return requests that create webchats with the required fields and some others."""
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
            render_request(
                "/api/webchats",
                method="POST",
                token=tokens[number % len(tokens)],
                body=json.dumps(body).encode(),
            ),
            statuses=(201,),
            length=range(800, 2000),
        )
        for number, body in enumerate(bodies)
    ]


def patch_requests(data: Data, tokens: list[str], _service: Server) -> list[Request]:
    """Return requests that change two fields."""
    return [
        _change(
            "PATCH", data, tokens, number, {"name": f"Renamed {number}", "primaryColor": "#0A7F3F"}
        )
        for number in range(len(data.webchats))
    ]


def put_requests(data: Data, tokens: list[str], service: Server) -> list[Request]:
    """Return requests that send the service's documents back with one changed field."""
    paths = [f"/api/webchats/{row['id']}" for row in data.webchats]
    fetched = responses.fetch(service, paths, token=data.tokens[0])
    sent = [json.loads(response.body)["data"] for response in fetched.values()]
    return [
        _change("PUT", data, tokens, number, {**body, "description": f"As of change {number}."})
        for number, body in enumerate(sent)
    ]


def _change(
    method: str, data: Data, tokens: list[str], number: int, body: dict[str, Any]
) -> Request:
    raw = render_request(
        f"/api/webchats/{data.webchats[number]['id']}",
        method=method,
        token=tokens[number % len(tokens)],
        body=json.dumps(body).encode(),
    )
    return Request(raw, length=range(800, 2500))
