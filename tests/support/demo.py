"""``manage.py demo`` as a process, with a database in a folder of the test."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.environment import ROOT


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """Return the environment of the demo's processes."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        "PYTHONUNBUFFERED": "1",
        **changes,
    }


def run_demo(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=ROOT,
        env=environment(folder, **changes),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def running_demo(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address of a running demo, and its output."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (folder / "output").open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(port)],
            cwd=ROOT,
            env=environment(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
            # A background job of a shell ignores SIGINT, and its children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=5)
            except OSError:
                assert time.monotonic() < deadline, (folder / "output").read_text()
                assert server.poll() is None, (folder / "output").read_text()
                time.sleep(0.2)
            else:
                break
        yield address, (folder / "output").read_text()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)
