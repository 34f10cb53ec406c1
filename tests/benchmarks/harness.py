"""The benchmark harness: databases with data, running servers, and rounds of load."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.load import HOST, Load, Request, render_request, run_load
from tests.benchmarks.programs import UVICORN, WORKERS, Program
from tests.benchmarks.results import Measurements, Result, interleave
from tests.benchmarks.servers import (
    FASTAPI,
    ROOT,
    SERVICE,
    Application,
    Server,
    environment,
    free_port,
    running,
    serving,
)

#: The migrated database from which the others are created.
TEMPLATE_DATABASE = "webchats"
#: Seconds between two lines of progress if the output is not a terminal.
PROGRESS_INTERVAL = 20


class Data(NamedTuple):
    """A database with data, and the facts that ``tests.benchmarks.dataset`` prints about it.

    Everything is about the organization that the requests are for. ``webchats`` is a sample of its
    ``total`` rows.
    """

    url: str
    tokens: list[str]
    email: str
    password: str
    total: int
    webchats: list[dict[str, Any]]
    prompts: list[str]

    @property
    def name(self) -> str:
        """The name of the database."""
        return urlsplit(self.url).path[1:]


class Contender(NamedTuple):
    """A server and the requests that it receives under load."""

    server: Server
    requests: Iterable[Request]


@dataclass
class Harness:
    """One run of benchmarks. ``cluster`` is the URL of an empty database on a PostgreSQL server."""

    cluster: str
    program: Program
    resources: ExitStack
    webchats: int = 100_000
    organizations: int = 200
    rounds: int = 7
    #: The duration of a turn under load.
    seconds: float = 1.5
    connections: int = 16
    workers: int = WORKERS
    quick: bool = False
    explain: bool = False
    #: The streams of ``live``; 0 for its default.
    streams: int = 0
    #: Another checkout of the service to compare with.
    against: Application | None = None
    #: Writes what a benchmark has measured so far.
    save: Callable[[Result], None] = lambda result: None
    _progress_at: float = field(default_factory=time.monotonic)
    _is_migrated: bool = False
    _data: dict[tuple[int, int], Data] = field(default_factory=dict)
    _tokens: dict[tuple[Path, str], list[str]] = field(default_factory=dict)
    _servers: dict[Any, Server] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create a folder for files that servers read. It is deleted at the end of the run."""
        self.folder = self.resources.enter_context(tempfile.TemporaryDirectory(prefix="webchats-"))

    @property
    def services(self) -> list[Application]:
        """The service and, with ``--against``, the other checkout of it."""
        return [SERVICE, *([self.against] if self.against else [])]

    def progress(self, text: str) -> None:
        """Print progress: one line that is overwritten on a terminal, else a line every 20 s."""
        if sys.stderr.isatty():
            print(f"\r\033[K{text and f'  … {text}'}", end="", file=sys.stderr, flush=True)
        elif text and time.monotonic() - self._progress_at > PROGRESS_INTERVAL:
            self._progress_at = time.monotonic()
            print(f"  … {text}", file=sys.stderr, flush=True)

    def data(self, webchats: int = 0, organizations: int = 0) -> Data:
        """Return a database with this many rows, which is created at the first call."""
        size = (webchats or self.webchats, organizations or self.organizations)
        if size not in self._data:
            self._data[size] = self._create_data(*size)
        return self._data[size]

    def _create_data(self, webchats: int, organizations: int) -> Data:
        self.progress(f"a database with {webchats:,} webchats in {organizations:,} organizations")
        url = self.new_migrated_database(f"w{webchats}_o{organizations}")
        size = json.dumps({"webchats": webchats, "organizations": organizations})
        facts = json.loads(self.python(url, "-m", "tests.benchmarks.dataset", size))
        return Data(url=url, **facts)

    def new_migrated_database(self, name: str) -> str:
        """Create a database with empty tables in place of one of this name; return its URL."""
        if not self._is_migrated:
            self.python(self.cluster, "manage.py", "migrate", "--verbosity=0")
            self._is_migrated = True
        return self.new_database(name, TEMPLATE_DATABASE)

    def new_database(self, name: str, template: str = "template1") -> str:
        """Create a database in place of one of this name, and return its URL.

        It is empty, or a copy of ``template``.
        """
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url(name)

    def _url(self, database: str) -> str:
        return urlsplit(self.cluster)._replace(path=f"/{database}").geturl()

    def tokens(self, application: Application, data: Data) -> list[str]:
        """Return access tokens that the application accepts, each of another user."""
        if application.folder == ROOT:
            return data.tokens
        folder, url = key = (application.folder, data.url)
        if key not in self._tokens:
            script = str(ROOT / "tests/benchmarks/tokens.py")
            self._tokens[key] = json.loads(self.python(url, "-P", script, folder=folder))
        return self._tokens[key]

    def python(self, database: str, *arguments: str, folder: Path = ROOT, **variables: str) -> str:
        """Run Python with these arguments in a checkout, on a database; return its output."""
        completed = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            # Creating the indexes of a million rows takes longer than a request may.
            env=environment(database, folder, DATABASE_STATEMENT_SECONDS="0", **variables),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return completed.stdout

    def query(self, data: Data, sql: str, *, other_database: bool = False) -> Any:
        """Return the first column of a query's first row.

        With ``other_database`` the query runs in another database of the same server, and so does
        not count in the statistics of this one.
        """
        url = self._url("postgres") if other_database else data.url
        with psycopg.connect(url) as connection:
            row = connection.execute(sql.encode()).fetchone()
            return row[0] if row else None

    def server(
        self, application: Application, data: Data, *, workers: int = 0, **variables: str
    ) -> Server:
        """Return a server of the application on the data.

        It starts at the first call and runs until the end of the run.
        """
        workers = workers or self.workers
        key = (application, data.name, workers, *variables.items())
        if key not in self._servers:
            self.progress(f"start {application.name} on {data.name}")
            program = UVICORN if application is FASTAPI else self.program
            settings = environment(data.url, application.folder, **variables)
            server = serving(application, program, settings, workers=workers)
            self._servers[key] = self.resources.enter_context(server)
        return self._servers[key]

    def measure(
        self, contenders: Mapping[str, Contender], *, rounds: int = 0, **options: int
    ) -> Measurements:
        """Warm up every contender, then measure them in interleaved rounds.

        The default of ``rounds`` is that of the harness. ``options`` are those of ``run_load``.
        """
        for name, contender in contenders.items():
            self.progress(f"warm up: {name}")
            self._run_load(contender, **options)
        turns = {
            name: partial(self._measure_turn, contender, **options)
            for name, contender in contenders.items()
        }
        return interleave(turns, rounds=rounds or self.rounds, progress=self.progress)

    def _measure_turn(self, contender: Contender, **options: int) -> dict[str, float]:
        """Return the rate, the server's CPU time per request, and latencies."""
        before = contender.server.cpu_seconds()
        load = self._run_load(contender, **options)
        cpu = contender.server.cpu_seconds() - before
        return {
            "req/s": load.rate,
            "ms CPU": 1000 * cpu / len(load.latencies),
            "ms median": load.percentile(0.5),
            "ms p95": load.percentile(0.95),
        }

    def _run_load(self, contender: Contender, **options: int) -> Load:
        options = {"connections": self.connections, **options}
        port = contender.server.port
        return run_load(port, contender.requests, seconds=self.seconds, **options)

    def max_load(self) -> float:
        """Return the requests per second that the load generator itself can send and check."""
        port = free_port()
        command = [sys.executable, "-m", "tests.benchmarks.load", str(port)]
        with running(command, environment(self.cluster)):
            deadline = time.monotonic() + 10
            while True:
                try:
                    requests = [Request(render_request("/"), length=range(1000, 1001))]
                    return run_load(port, requests, seconds=min(1, self.seconds)).rate
                except ConnectionError:
                    assert time.monotonic() < deadline, f"nothing listens on {HOST}:{port}"
                    time.sleep(0.05)
