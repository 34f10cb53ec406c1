"""Responses of servers: fetch them, compare them with a peer's, repeat them under load."""

import base64
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.benchmarks.load import Request, Response, UnexpectedResponse, render_request, send
from tests.benchmarks.servers import Server

#: The headers that the bare view repeats; servers add their own to them.
REPEATED_HEADERS = (
    "Content-Type",
    "ETag",
    "Cache-Control",
    "Vary",
    "Access-Control-Allow-Origin",
    "Content-Encoding",
    "X-Content-Type-Options",
)


def fetch(
    server: Server,
    paths: Iterable[str],
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Response]:
    """Return the responses to GET requests by path. Raise unless the status of each is 200."""
    responses = {
        path: send(server.port, render_request(path, token=token, headers=headers))
        for path in paths
    }
    for path, response in responses.items():
        if response.status != 200:
            log = server.log.read_text()[-2000:]
            raise UnexpectedResponse(
                f"{server.name}: {response.status} {response.body!r} to {path}\n{log}"
            )
    return responses


def requests_for(
    responses: Mapping[str, Response], tokens: Sequence[str], count: int = 1000
) -> list[Request]:
    """Return requests that fetch these responses again, for the users of the tokens in turn.

    Each expects a body of the same length.
    """
    paths = list(responses)
    requests = []
    for number in range(max(count, len(paths))):
        path = paths[number % len(paths)]
        length = len(responses[path].body)
        raw = render_request(path, token=tokens[number % len(tokens)])
        requests.append(Request(raw, length=range(length, length + 1)))
    return requests


def compare(expected: Mapping[str, Response], responses: Mapping[str, Response], name: str) -> None:
    """Raise unless a peer's responses equal ours in JSON, except for the signature of icon URLs."""
    for path, response in expected.items():
        ours, theirs = (_unsigned(json.loads(r.body)) for r in (response, responses[path]))
        if ours != theirs:
            raise UnexpectedResponse(f"{name} responds differently to {path}:\n{ours}\n{theirs}")


def _unsigned(value: Any) -> Any:
    """Return a JSON value without the query strings of its icon URLs."""
    if isinstance(value, dict):
        return {
            name: entry.partition("?")[0] if name == "icon" and entry else _unsigned(entry)
            for name, entry in value.items()
        }
    return [_unsigned(entry) for entry in value] if isinstance(value, list) else value


def write_responses(responses: Mapping[str, Response], folder: str) -> str:
    """Write the responses to a new file, which the bare view reads, and return its path."""
    content = {
        path: {
            "body": base64.b64encode(response.body).decode(),
            "headers": {
                name: value
                for name in REPEATED_HEADERS
                if (value := response.header(name)) is not None
            },
        }
        for path, response in responses.items()
    }
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".json", delete=False) as file:
        json.dump(content, file)
    return file.name
