"""Server programs: granian, gunicorn and uvicorn, and how to start them."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.load import HOST

#: One per core of a small machine. PostgreSQL and the load generator share the same cores.
WORKERS = 2
#: Per worker, in programs with threads. A thread waits while the database works.
THREADS = 4

#: Returns the command line for an application (``module:attribute``), a port and workers.
Command = Callable[[str, int, int], list[str]]


@dataclass(frozen=True)
class Program:
    """A server program. ``interface`` is ``wsgi`` or ``asgi``."""

    name: str
    command: Command
    interface: str = "wsgi"


def _gunicorn(worker_class: str, *options: str) -> Command:
    def command(application: str, port: int, workers: int) -> list[str]:
        bind = f"--bind={HOST}:{port}"
        return [
            *("gunicorn", application, bind, f"--workers={workers}", f"-k{worker_class}"),
            *options,
        ]

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
    address = [f"--host={HOST}", f"--port={port}", f"--workers={workers}"]
    return ["uvicorn", application, *address, "--no-access-log", "--log-level=warning"]


GUNICORN = Program("gunicorn sync", _gunicorn("sync"))
GUNICORN_THREADS = Program("gunicorn gthread", _gunicorn("gthread", f"--threads={THREADS}"))
GRANIAN = Program("granian", _granian)
UVICORN = Program("uvicorn", _uvicorn, "asgi")
#: By the value of the option ``--server``.
PROGRAMS = {
    "gunicorn": GUNICORN,
    "gthread": GUNICORN_THREADS,
    "granian": GRANIAN,
    "uvicorn": UVICORN,
}
