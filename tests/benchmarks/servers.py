"""Servers: the compared applications, their environment and their processes."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from tests.benchmarks.load import HOST, render_request
from tests.benchmarks.programs import WORKERS, Program

ROOT = Path(__file__).resolve().parents[2]
#: Seconds until a server must respond.
START_TIMEOUT = 60


@dataclass(frozen=True)
class Application:
    """An application to serve: this service, another checkout of it, or a peer."""

    name: str
    wsgi: str = "tests.benchmarks.peers.wsgi:application"
    asgi: str = ""
    #: The settings module of a peer that runs on Django.
    settings: str = ""
    #: The checkout that the code is imported from.
    folder: Path = ROOT


SERVICE = Application(
    "webchats", "webchat_project.wsgi:application", "webchat_project.asgi:application"
)
DRF = Application("vanilla DRF", settings="tests.benchmarks.peers.drf_settings")
NINJA = Application("django-ninja", settings="tests.benchmarks.peers.ninja_settings")
FASTAPI = Application("FastAPI (uvicorn)", asgi="tests.benchmarks.peers.fastapi_api:app")
BARE = Application("bare Django view", settings="tests.benchmarks.peers.bare_settings")


def checkout(folder: Path) -> Application:
    """Return the service in another checkout."""
    folder = folder.resolve()
    return replace(SERVICE, name=f"{SERVICE.name} ({folder.name})", folder=folder)


#: One key for the whole run, so that every server accepts the same tokens.
SECRET_KEY = secrets.token_urlsafe(64)


def environment(database: str, folder: Path = ROOT, **variables: str) -> dict[str, str]:
    """Return the variables for a process that runs the code of ``folder`` on a database.

    The settings are those of production, without HTTPS. Throttles have their default rates.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR")
    }
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "PYTHONPATH": str(folder),
        "DATABASE_URL": database,
        "DEBUG": "false",
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": HOST,
        "SECURE_SSL_REDIRECT": "false",
        "SECURE_HSTS_SECONDS": "0",
        "ACCESS_TOKEN_MINUTES": "1440",
        # A folder that does not exist: a request that accessed the storage would fail.
        "ICONS_ROOT": "/nonexistent/icons",
        **variables,
    }


@dataclass
class Server:
    """A running server."""

    application: Application
    port: int
    process: psutil.Process
    log: Path
    #: Seconds from the start of the program to its first response.
    first_response: float = 0

    @property
    def name(self) -> str:
        """The name of the application."""
        return self.application.name

    def cpu_seconds(self) -> float:
        """Return the CPU time that its processes have used so far."""
        used = 0.0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system
        return used

    def memory(self) -> dict[str, float]:
        """Return the memory in MiB: of the largest process, and of all, shared pages once."""
        processes = [process.memory_full_info() for process in self.processes()]
        return {
            "MiB, a worker": max(info.rss for info in processes) / 2**20,
            "MiB, all": sum(getattr(info, "pss", info.uss) for info in processes) / 2**20,
        }

    def processes(self) -> list[psutil.Process]:
        """Return the program and its workers."""
        return [self.process, *self.process.children(recursive=True)]


def free_port() -> int:
    """Return a port of the loopback interface that is not in use."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    application: Application,
    program: Program,
    variables: dict[str, str],
    *,
    workers: int = WORKERS,
) -> Iterator[Server]:
    """Serve the application until the end of the block. ``variables`` is its environment."""
    entry = application.asgi if program.interface == "asgi" else application.wsgi
    if application.settings:
        variables = {**variables, "DJANGO_SETTINGS_MODULE": application.settings}
    port = free_port()
    command = program.command(entry, port, workers)
    begin = time.perf_counter()
    with running(command, variables, application.folder) as (process, log):
        server = Server(application, port, process, log)
        _wait_for(server)
        server.first_response = time.perf_counter() - begin
        yield server


@contextmanager
def running(
    command: list[str], variables: dict[str, str], folder: Path = ROOT
) -> Iterator[tuple[psutil.Process, Path]]:
    """Run a program in ``folder`` until the end of the block; yield its process and log file."""
    with tempfile.TemporaryDirectory(prefix="webchats-") as log_folder:
        log = Path(log_folder, "log")
        with log.open("wb") as output:
            started = subprocess.Popen(
                command,
                cwd=folder,
                env=variables,
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
    """Stop the program and its children, which are all in its session."""
    started.terminate()
    with suppress(subprocess.TimeoutExpired):
        started.wait(timeout=5)
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def _wait_for(server: Server) -> None:
    """Return once the server sends any response, whatever its status is."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.process.is_running():
        if server.process.status() == psutil.STATUS_ZOMBIE:
            break
        with (
            suppress(ConnectionError, TimeoutError),
            socket.create_connection((HOST, server.port), timeout=START_TIMEOUT) as connection,
        ):
            connection.sendall(render_request("/healthz"))
            if connection.recv(1):
                return
        time.sleep(0.01)
    raise RuntimeError(f"{server.name} does not start:\n{server.log.read_text()[-3000:]}")
