"""An S3 server that verifies signatures, for the tests: SeaweedFS, from its wheel.

``with running_s3() as endpoint: ...`` runs this file as a process of its own, the keeper, which
stops the server and removes its folder when its standard input ends: at the end of the block, or
because the test process was killed (see ``tests/postgres.py``, which does the same).
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

BUCKET = "icons"
ACCESS_KEY = "tests-access-key"
SECRET_KEY = "tests-secret-key"
_PARTS = ("s3", "master", "volume", "filer", "admin")


@contextmanager
def running_s3() -> Iterator[str]:
    """Give the endpoint's URL of an empty server that lives as long as the block."""
    keeper = subprocess.Popen(
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert keeper.stdout
    try:
        said = ""
        for line in keeper.stdout:
            if line.startswith("http://"):
                break
            said += line
        else:
            raise RuntimeError(f"No S3 server for the tests.\n{said}")
        yield line.strip()
    finally:
        keeper.communicate("stop\n")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        sockets = [
            probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [probe.getsockname()[1] for probe in sockets]


def _keep(home: Path) -> None:
    """Serve from ``home`` and say the URL, until a line or the end of the input."""
    log = home / "log"
    for _ in range(3):  # another process may take a port before the server does
        ports = iter(_free_ports(2 * len(_PARTS)))
        options = {
            name: str(next(ports))
            for part in _PARTS
            for name in (f"{part}.port", f"{part}.port.grpc")
        }
        server = _spawn(home, log, options)
        try:
            if _ready(server, endpoint := f"http://127.0.0.1:{options['s3.port']}"):
                print(endpoint, flush=True)
                sys.stdin.readline()
                return
        finally:
            server.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                # Nothing in it is to be kept.
                server.wait(timeout=1)
            server.kill()
            server.wait()
    raise SystemExit(f"SeaweedFS did not come up:\n{log.read_text()[-4000:]}")


def _spawn(home: Path, log: Path, ports: dict[str, str]) -> subprocess.Popen[bytes]:
    data = home / "data"
    data.mkdir(exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [
                Path(sys.executable).with_name("weed"),
                "mini",
                f"-dir={data}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-admin.ui=false",
                "-webdav=false",
                "-s3.port.iceberg=0",
                *(f"-{name}={port}" for name, port in ports.items()),
            ],
            cwd=home,
            env={
                "PATH": os.defpath,
                "HOME": str(home),
                "TZ": "UTC",
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _ready(server: subprocess.Popen[bytes], endpoint: str) -> bool:
    """Wait until the server refuses a request for its lack of a signature."""
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(endpoint, timeout=2)
        except urllib.error.HTTPError as refused:
            if refused.code == 403:
                return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="s3-", ignore_cleanup_errors=True) as name:
        _keep(Path(name).resolve())
