"""What is asked, and that everybody who is asked gives the same answer."""

import base64
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.benchmarks.load import Answer, Request, WrongAnswer, ask, request
from tests.benchmarks.serving import Server

#: Headers that make the answer what it is; servers add their own to them.
_OWN = ("Content-Type", "ETag", "Cache-Control", "Vary", "Access-Control-Allow-Origin")
_MORE = ("Content-Encoding", "X-Content-Type-Options")


def answers(
    server: Server,
    paths: Iterable[str],
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Answer]:
    """The server's answers, asked one by one; each is a 200."""
    got = {path: ask(server.port, request(path, token=token, headers=headers)) for path in paths}
    for path, answer in got.items():
        if answer.status != 200:
            log = server.log.read_text()[-2000:]
            raise WrongAnswer(f"{server.name}: {answer.status} {answer.body!r} to {path}\n{log}")
    return got


def reading(got: Mapping[str, Answer], tokens: Sequence[str], count: int = 1000) -> list[Request]:
    """Requests for what was answered, by members in turn; the answers stay as long as they were."""
    paths = list(got)
    return [
        Request(
            request(paths[n % len(paths)], token=tokens[n % len(tokens)]),
            length=_exactly(len(got[paths[n % len(paths)]].body)),
        )
        for n in range(max(count, len(paths)))
    ]


def _exactly(length: int) -> range:
    return range(length, length + 1)


def compare(ours: Mapping[str, Answer], theirs: Mapping[str, Answer], who: str) -> None:
    """Raise unless both say the same; only the signature of an icon's address may differ."""
    for path, answer in ours.items():
        mine, other = (_unsigned(json.loads(one.body)) for one in (answer, theirs[path]))
        if mine != other:
            raise WrongAnswer(f"{who} answers otherwise to {path}:\n{mine}\n{other}")


def _unsigned(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: entry.partition("?")[0] if name == "icon" and entry else _unsigned(entry)
            for name, entry in value.items()
        }
    return [_unsigned(entry) for entry in value] if isinstance(value, list) else value


def ready_answers(got: Mapping[str, Answer], folder: str) -> str:
    """A new file of the answers, for the bare view, which gives nothing but them."""
    content = {
        path: {
            "body": base64.b64encode(answer.body).decode(),
            "headers": {name: value for name in (*_OWN, *_MORE) if (value := answer.header(name))},
        }
        for path, answer in got.items()
    }
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".json", delete=False) as file:
        json.dump(content, file)
    return file.name
