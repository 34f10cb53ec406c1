"""Run the service on the loopback interface as in production."""

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


def production_environment(database_url: str, **changes: str) -> dict[str, str]:
    """Return the variables of a production process, without those of this process."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": tempfile.gettempdir(),
        "DEBUG": "false",
        "SECRET_KEY": "k9" * 40 + "-a-key-of-the-tests",
        "ALLOWED_HOSTS": HOST,
        "TRUSTED_PROXIES": "1",
        "DATABASE_URL": database_url,
        # The load is far above the limits of one client.
        "RATE_LIMIT_CREDENTIAL": "1000000/min",
        "RATE_LIMIT_ADDRESS": "1000000/min",
        **changes,
    }


def manage(*arguments: str, **environment: str) -> str:
    """Run ``manage.py`` with exactly this environment and return its standard output.

    Raises ``RuntimeError`` with the standard error if it fails.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)}:\n{done.stderr}")
    return done.stdout


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def temporary_database(server_url: str, name: str) -> Iterator[str]:
    """Create an empty database on the server of ``server_url``, yield its URL, and drop it."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"{server_url.rsplit('/', 1)[0]}/{name}"
        finally:
            connection.execute(drop)


def seed_database(database_url: str, webchats: int) -> dict[str, Any]:
    """Migrate and fill a database; return the output of ``tests/deployment/seed.py``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.deployment.seed", str(webchats)],
        cwd=ROOT,
        env=production_environment(database_url, DEBUG="true"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seeded: dict[str, Any] = json.loads(done.stdout)
    return seeded


@contextmanager
def running_process(
    command: Sequence[str], env: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, log its output to a file, and stop it at the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()


def wait_until_healthy(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return as soon as ``/healthz`` responds with 200.

    Raises ``RuntimeError`` with the log if the process exits, or after 60 seconds.
    """
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError, http.client.HTTPException):
            if get(port, "/healthz").status == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The service did not start:\n{log.read_text()}")
        time.sleep(0.05)


class Response(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: Message
    body: str


def get(port: int, path: str, **headers: str) -> Response:
    """Send a GET request as a proxy forwards it."""
    return send(port, "GET", path, **headers)


def send(port: int, method: str, path: str, body: Any = None, **headers: str) -> Response:
    """Send a request as a proxy forwards it, with a JSON body unless ``body`` is ``None``."""
    given = {"Host": HOST, "X-Forwarded-Proto": "https", **headers}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        if body is None:
            connection.request(method, path, headers=given)
        else:
            given["Content-Type"] = "application/json"
            connection.request(method, path, json.dumps(body), given)
        response = connection.getresponse()
        content = response.read().decode(errors="replace")
        return Response(response.status, response.headers, content)
