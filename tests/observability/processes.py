"""Processes that serve requests, for tests of metrics and crash reports."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a process. Its database is in ``folder``, without tables."""
    database = f"sqlite:///{folder}/db.sqlite3"
    return {"PATH": os.environ["PATH"], "DATABASE_URL": database, "LOG_LEVEL": "ERROR", **settings}


class Worker:
    """A process that serves requests on a free port."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.observability.worker"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.address = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def stop(self) -> str:
        """Kill the process if it runs, and return its log."""
        self.process.kill()
        return self.process.communicate()[1]
