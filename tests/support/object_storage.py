"""An S3 server that verifies signatures, for the tests: SeaweedFS, from its wheel.

``with running_s3() as endpoint: ...`` runs this file as a process of its own, the keeper, which
stops the server and removes its folder when its standard input ends: at the end of the block, or
because the test process was killed (see ``tests/postgres.py``, which does the same).
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BUCKET = "icons"
ACCESS_KEY = "tests-access-key"
_PARTS = ("s3", "master", "volume", "filer", "admin")


@contextmanager
def running_s3() -> Iterator[tuple[str, str]]:
    """Give the endpoint's URL and the secret key of a server, with one empty bucket, that lives as
    long as the block."""
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
        endpoint, secret = line.split()
        yield endpoint, secret
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
    log, secret = home / "log", secrets.token_hex(16)
    for _ in range(3):  # another process may take a port before the server does
        ports = iter(_free_ports(2 * len(_PARTS)))
        options = {
            name: str(next(ports))
            for part in _PARTS
            for name in (f"{part}.port", f"{part}.port.grpc")
        }
        server = _spawn(home, log, secret, options)
        try:
            if _ready(server, endpoint := f"http://127.0.0.1:{options['s3.port']}", secret):
                print(endpoint, secret, flush=True)
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


def _spawn(home: Path, log: Path, secret: str, ports: dict[str, str]) -> subprocess.Popen[bytes]:
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
                # On by default, at a fixed port: a second server would end over it.
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                *(f"-{name}={port}" for name, port in ports.items()),
            ],
            cwd=home,
            env={
                "PATH": os.defpath,
                "HOME": str(home),
                "TZ": "UTC",
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": secret,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _ready(server: subprocess.Popen[bytes], endpoint: str, secret: str) -> bool:
    """Wait until this very server answers (nobody else's knows the secret) and has the bucket."""
    client = boto3.client(
        "s3",
        region_name="auto",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret,
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
    )
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(BotoCoreError, ClientError):
            client.create_bucket(Bucket=BUCKET)
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="s3-", ignore_cleanup_errors=True) as name:
        _keep(Path(name).resolve())
