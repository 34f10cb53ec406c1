"""Servers: programs of several kinds, started on a free port of the loopback and stopped again."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.load import HOST, request

ROOT = Path(__file__).resolve().parent.parent.parent
#: One for each core; the database and the load have the same cores.
WORKERS = 2
START_SECONDS = 60

Command = Callable[[str, int, int], list[str]]


@dataclass(frozen=True)
class Program:
    """A server program, and how it is told to serve an application on a port."""

    name: str
    command: Command
    interface: str = "wsgi"


def _gunicorn(kind: str, *options: str) -> Command:
    def command(application: str, port: int, workers: int) -> list[str]:
        bind = f"--bind={HOST}:{port}"
        return ["gunicorn", application, bind, f"--workers={workers}", f"-k{kind}", *options]

    return command


def _granian(application: str, port: int, workers: int) -> list[str]:
    return [
        "granian",
        application,
        "--interface=wsgi",
        f"--host={HOST}",
        f"--port={port}",
        f"--workers={workers}",
        f"--blocking-threads={THREADS}",
        "--no-ws",
    ]


def _uvicorn(application: str, port: int, workers: int) -> list[str]:
    where = [f"--host={HOST}", f"--port={port}", f"--workers={workers}"]
    return ["uvicorn", application, *where, "--no-access-log", "--log-level=warning"]


#: Threads of a worker, where it has some. A thread waits while the database works.
THREADS = 4
GUNICORN = Program("gunicorn sync", _gunicorn("sync"))
GUNICORN_THREADS = Program("gunicorn gthread", _gunicorn("gthread", f"--threads={THREADS}"))
GRANIAN = Program("granian", _granian)
UVICORN = Program("uvicorn", _uvicorn, "asgi")
PROGRAMS = {
    "gunicorn": GUNICORN,
    "gthread": GUNICORN_THREADS,
    "granian": GRANIAN,
    "uvicorn": UVICORN,
}


@dataclass(frozen=True)
class Application:
    """What is served: the service itself, or a peer."""

    name: str
    wsgi: str = "tests.benchmarks.peers.wsgi:application"
    asgi: str = ""
    #: Of a peer that Django runs.
    settings: str = ""


OURS = Application(
    "webchats", "webchat_project.wsgi:application", "webchat_project.asgi:application"
)
DRF = Application("vanilla DRF", settings="tests.benchmarks.peers.drf_settings")
NINJA = Application("django-ninja", settings="tests.benchmarks.peers.ninja_settings")
FASTAPI = Application("FastAPI (uvicorn)", asgi="tests.benchmarks.peers.fastapi_api:app")
BARE = Application("bare Django view", settings="tests.benchmarks.peers.bare_settings")

#: One key for the run: the data set's tokens are good for every server.
SECRET_KEY = secrets.token_urlsafe(64)


def environment(database: str, **more: str) -> dict[str, str]:
    """Settings as in production, but for https. Limits are the default ones."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR")
    }
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database,
        "DEBUG": "false",
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": HOST,
        "SECURE_SSL_REDIRECT": "false",
        "SECURE_HSTS_SECONDS": "0",
        "ACCESS_TOKEN_MINUTES": "1440",
        # Is not there: the storage is not to be asked.
        "ICONS_ROOT": "/nonexistent/icons",
        **more,
    }


@dataclass
class Server:
    """A running server."""

    name: str
    port: int
    process: psutil.Process
    log: Path
    #: Seconds from the start of the program to its first answer.
    first_answer: float = 0

    def _tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """What its processes have computed so far."""
        used = 0.0
        for process in self._tree():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system
        return used

    def memory(self) -> dict[str, float]:
        """MiB: of its largest process alone, and of all together with what they share once."""
        each = [process.memory_full_info() for process in self._tree()]
        return {
            "MiB, a worker": max(one.rss for one in each) / 2**20,
            "MiB, all": sum(getattr(one, "pss", one.uss) for one in each) / 2**20,
        }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    application: Application,
    program: Program,
    settings: dict[str, str],
    *,
    workers: int = WORKERS,
) -> Iterator[Server]:
    """Run the server until the end of the block."""
    entry = application.asgi if program.interface == "asgi" else application.wsgi
    more = {"DJANGO_SETTINGS_MODULE": application.settings} if application.settings else {}
    port = free_port()
    command = program.command(entry, port, workers)
    begin = time.perf_counter()
    with running(command, {**settings, **more}) as (process, log):
        server = Server(application.name, port, process, log)
        _wait_for(server)
        server.first_answer = time.perf_counter() - begin
        yield server


@contextmanager
def running(command: list[str], settings: dict[str, str]) -> Iterator[tuple[psutil.Process, Path]]:
    """Run a program, in a session of its own, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as output:
            started = subprocess.Popen(
                command,
                cwd=ROOT,
                env=settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield psutil.Process(started.pid), log
        finally:
            _stop(started)


def _stop(started: subprocess.Popen[bytes]) -> None:
    """End the program and what it has started, which is all in its own session."""
    started.terminate()
    with suppress(subprocess.TimeoutExpired):
        started.wait(timeout=5)
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def _connected(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=START_SECONDS)


def _wait_for(server: Server) -> None:
    """Return when the server answers anything at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.is_running():
        if server.process.status() == psutil.STATUS_ZOMBIE:
            break
        with suppress(ConnectionError, TimeoutError), _connected(server.port) as connection:
            connection.sendall(request("/healthz"))
            if connection.recv(1):
                return
        time.sleep(0.01)
    raise RuntimeError(f"{server.name} does not start:\n{server.log.read_text()[-3000:]}")
