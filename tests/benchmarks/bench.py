"""What every benchmark is given: databases with data, running servers, and turns under load."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.load import HOST, Load, Request, fire, request
from tests.benchmarks.measure import interleaved
from tests.benchmarks.serving import (
    FASTAPI,
    ROOT,
    UVICORN,
    WORKERS,
    Application,
    Program,
    Server,
    environment,
    free_port,
    running,
    serving,
)

#: The migrated database that the others are copies of.
_EMPTY = "webchats"
#: Between two lines of progress in a pipe.
_TELL_SECONDS = 20


class Data(NamedTuple):
    """A filled database, and what ``dataset.facts`` tells of it."""

    url: str
    tokens: list[str]
    email: str
    password: str
    total: int
    webchats: list[dict[str, Any]]
    prompts: list[str]
    server_version: int
    django: str

    @property
    def name(self) -> str:
        """The database's name."""
        return urlsplit(self.url).path[1:]


class Rival(NamedTuple):
    """A server under load, and what it is asked."""

    server: Server
    requests: Sequence[Request]


@dataclass
class Bench:
    """One run."""

    cluster: str
    program: Program
    resources: ExitStack
    webchats: int = 100_000
    organizations: int = 200
    rounds: int = 7
    seconds: float = 1.5
    connections: int = 16
    workers: int = WORKERS
    quick: bool = False
    explain: bool = False
    _told_at: float = field(default_factory=time.monotonic)
    _data: dict[tuple[int, int], Data] = field(default_factory=dict)
    _servers: dict[Any, Server] = field(default_factory=dict)

    def __post_init__(self) -> None:
        #: For files that servers read; it goes with the run.
        self.folder = self.resources.enter_context(tempfile.TemporaryDirectory(prefix="webchats-"))

    def tell(self, text: str) -> None:
        """Progress: a line that is written over on a terminal, one now and then in a pipe."""
        if sys.stderr.isatty():
            print(f"\r\033[K{text and f'  … {text}'}", end="", file=sys.stderr, flush=True)
        elif text and time.monotonic() - self._told_at > _TELL_SECONDS:
            self._told_at = time.monotonic()
            print(f"  … {text}", file=sys.stderr, flush=True)

    def data(self, webchats: int = 0, organizations: int = 0) -> Data:
        """A database with so many rows, made when first asked for."""
        size = (webchats or self.webchats, organizations or self.organizations)
        if size not in self._data:
            self._data[size] = self._fill(*size)
        return self._data[size]

    def _fill(self, webchats: int, organizations: int) -> Data:
        self.tell(f"a database with {webchats:,} webchats in {organizations:,} organizations")
        if not self._data:
            self._manage(self.cluster, "migrate", "--verbosity=0")
        name = f"w{webchats}_o{organizations}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_EMPTY}"')
        url = self._url(name)
        size = json.dumps({"webchats": webchats, "organizations": organizations})
        made = self.python(url, "-m", "tests.benchmarks.dataset", size)
        return Data(url=url, **json.loads(made))

    def _url(self, database: str) -> str:
        return urlsplit(self.cluster)._replace(path=f"/{database}").geturl()

    def _manage(self, database: str, *arguments: str, **settings: str) -> str:
        return self.python(database, "manage.py", *arguments, **settings)

    def python(self, database: str, *arguments: str, **settings: str) -> str:
        """What a program of the project prints, run on a database."""
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(database, **settings),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def ask(self, data: Data, query: str, *, from_outside: bool = False) -> Any:
        """The first value of what a query gives, asked in the database, or in another one so as
        not to be counted in it."""
        url = self._url("postgres") if from_outside else data.url
        with psycopg.connect(url) as connection:
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else None

    def server(
        self, application: Application, data: Data, *, workers: int = 0, **settings: str
    ) -> Server:
        """The application on the data, started when first asked for; it runs until the end."""
        workers = workers or self.workers
        key = (application, data.name, workers, *settings.items())
        if key not in self._servers:
            self.tell(f"start {application.name} on {data.name}")
            program = UVICORN if application is FASTAPI else self.program
            made = serving(application, program, environment(data.url, **settings), workers=workers)
            self._servers[key] = self.resources.enter_context(made)
        return self._servers[key]

    def turn(self, rival: Rival, **options: int) -> dict[str, float]:
        """One round of load: answers in a second, the server's CPU for each, and latencies."""
        before = rival.server.cpu_seconds()
        load = self._fire(rival, **options)
        used = rival.server.cpu_seconds() - before
        return {
            "req/s": load.rate,
            "ms CPU": 1000 * used / len(load.latencies),
            "ms median": load.latency(0.5),
            "ms p95": load.latency(0.95),
        }

    def _fire(self, rival: Rival, **options: int) -> Load:
        how = {"connections": self.connections, **options}
        return fire(rival.server.port, rival.requests, seconds=self.seconds, **how)

    def turns(
        self, rivals: Mapping[str, Rival], **options: int
    ) -> dict[str, dict[str, list[float]]]:
        """Warm every rival up, then let them take turns."""
        for name, rival in rivals.items():
            self.tell(f"warm up: {name}")
            self._fire(rival, **options)
        contenders = {name: partial(self.turn, rival, **options) for name, rival in rivals.items()}
        return interleaved(contenders, rounds=self.rounds, tell=self.tell)

    def ceiling_of_load(self) -> float:
        """Requests in a second that the load itself can send and look at."""
        port = free_port()
        command = [sys.executable, "-m", "tests.benchmarks.load", str(port)]
        with running(command, environment(self.cluster)):
            deadline = time.monotonic() + 10
            while True:
                try:
                    asked = [Request(request("/"), length=range(1000, 1001))]
                    return fire(port, asked, seconds=1).rate
                except ConnectionError:
                    assert time.monotonic() < deadline, f"nothing answers on {HOST}:{port}"
                    time.sleep(0.05)
