"""Keepers: processes that start a server for the tests and always stop it.

A keeper runs as long as its standard input is open. So it stops its server at the end of the block
that started it, and also if the test process is killed. It has its own session, so that Ctrl-C
stops the tests first and the server after them.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: The number of attempts to start a server. Another process may take its port first.
START_ATTEMPTS = 3
#: Seconds until a started server must respond. A busy machine takes long.
START_TIMEOUT = 60
#: The start of the line that reports a running server.
READY = "ready: "


@contextmanager
def running_keeper(module: str, *arguments: str) -> Iterator[str]:
    """Run a module as a keeper until the end of the block; yield what it passes to ``report``.

    Raise ``RuntimeError`` with its output if it ends without a running server.
    """
    keeper = subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert keeper.stdout
    try:
        output = ""
        for line in keeper.stdout:
            if line.startswith(READY):
                break
            output += line
        else:
            raise RuntimeError(f"{module} did not start a server:\n{output}")
        yield line.removeprefix(READY).strip()
    finally:
        keeper.communicate("stop\n")


def exit_on_sigterm() -> None:
    """Raise ``SystemExit`` on SIGTERM, so that the keeper's ``with`` blocks stop the server."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def report(text: str) -> None:
    """Report a running server to the test process, and return when the server must stop."""
    print(f"{READY}{text}", flush=True)
    sys.stdin.readline()


@contextmanager
def stopping(server: subprocess.Popen[Any], seconds: float) -> Iterator[None]:
    """Interrupt the server at the end of the block, and kill it after some seconds."""
    try:
        yield
    finally:
        server.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=seconds)
        server.kill()
        server.wait()


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that are not in use."""
    with ExitStack() as probes:
        sockets = [
            probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [probe.getsockname()[1] for probe in sockets]
