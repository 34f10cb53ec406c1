"""The service as in production, on the loopback, for the checks of its operation."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
HOST = "chat.example.com"


def environment(database_url: str, **changes: str) -> dict[str, str]:
    """What an operator sets, without this process's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": tempfile.gettempdir(),
        "DEBUG": "false",
        "SECRET_KEY": "k9" * 40 + "-a-key-of-the-tests",
        "ALLOWED_HOSTS": HOST,
        "TRUSTED_PROXIES": "1",
        "DATABASE_URL": database_url,
        # The checks ask more often than a client may.
        "RATE_LIMIT_CREDENTIAL": "1000000/min",
        "RATE_LIMIT_ADDRESS": "1000000/min",
        **changes,
    }


def free_port() -> int:
    """A port of the loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def fresh_database(server_url: str, name: str) -> Iterator[str]:
    """Give the URL of an empty database beside that of ``server_url``; it goes with the block."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"{server_url.rsplit('/', 1)[0]}/{name}"
        finally:
            connection.execute(drop)


def seeded(database_url: str, number: int) -> dict[str, Any]:
    """Migrate and fill a database: see ``tests/operations/seed.py``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.operations.seed", str(number)],
        cwd=ROOT,
        env=environment(database_url, DEBUG="true"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@contextmanager
def started(
    command: Sequence[str], env: dict[str, str], log: Path, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program as long as the block, at the most."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=env, stdout=output, stderr=subprocess.STDOUT, **{"cwd": ROOT, **options}
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()


def wait_until_alive(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when ``/healthz`` answers 200."""
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError, http.client.HTTPException):
            if get(port, "/healthz").status == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The service did not come up:\n{log.read_text()}")
        time.sleep(0.05)


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Message
    body: str


def get(port: int, path: str, **headers: str) -> Answer:
    """The answer to a request that a proxy passes on."""
    return send(port, "GET", path, **headers)


def send(port: int, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """The same with a method and, if there is one, a body of JSON."""
    given = {"Host": HOST, "X-Forwarded-Proto": "https", **headers}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        if body is None:
            connection.request(method, path, headers=given)
        else:
            given["Content-Type"] = "application/json"
            connection.request(method, path, json.dumps(body), given)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
