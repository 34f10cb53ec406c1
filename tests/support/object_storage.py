"""An S3 server that verifies signatures: SeaweedFS, from its wheel.

Run as a module, this file is the keeper of a server (see ``tests/support/keeper.py``).
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from tests.support import keeper

BUCKET = "icons"
ACCESS_KEY = "tests-access-key"
#: The parts of SeaweedFS. Each listens on two ports, for HTTP and gRPC.
PARTS = ("s3", "master", "volume", "filer", "admin")


class S3Server(NamedTuple):
    """The URL, the secret key and the process of a server."""

    endpoint: str
    secret: str
    pid: int


@contextmanager
def running_s3() -> Iterator["S3Server"]:
    """Run a server with one empty bucket until the end of the block.

    Yield the endpoint's URL and the secret key.
    """
    with keeper.running_keeper("tests.support.object_storage") as line:
        endpoint, secret, pid = line.split()
        yield S3Server(endpoint, secret, int(pid))


def share_sessions() -> None:
    """Let storages with the same credentials share a boto3 session, for the rest of the process.

    Each test has a new storage. A new session reads the descriptions of all AWS services, which
    takes 0.1 s.
    """
    sessions: dict[tuple[str | None, ...], boto3.Session] = {}
    create = S3Storage._create_session

    def find_or_create(storage: S3Storage) -> boto3.Session:
        key = (storage.access_key, storage.secret_key, storage.security_token)
        if key not in sessions:
            sessions[key] = create(storage)
        return sessions[key]

    mock.patch.object(S3Storage, "_create_session", find_or_create).start()


def keep_server(home: Path) -> None:
    """Serve from ``home`` until the test process closes the input."""
    log, secret = home / "log", secrets.token_hex(16)
    for _ in range(keeper.START_ATTEMPTS):
        ports = iter(keeper.free_ports(2 * len(PARTS)))
        options = {
            name: next(ports) for part in PARTS for name in (f"{part}.port", f"{part}.port.grpc")
        }
        server = start_server(home, log, secret, options)
        with keeper.stopping(server, 1):  # Its data is deleted anyway.
            endpoint = f"http://127.0.0.1:{options['s3.port']}"
            if create_bucket(server, endpoint, secret):
                keeper.report(f"{endpoint} {secret} {server.pid}")
                return
    raise SystemExit(f"SeaweedFS did not start:\n{log.read_text()[-4000:]}")


def start_server(
    home: Path, log: Path, secret: str, ports: dict[str, int]
) -> subprocess.Popen[bytes]:
    """Start the server in ``home``. ``ports`` are its options for ports."""
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
                # Enabled by default on a fixed port, so that a second server would exit.
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


def create_bucket(server: subprocess.Popen[bytes], endpoint: str, secret: str) -> bool:
    """Create the bucket once the server responds; return ``False`` if it never does.

    A server of another process on the same port would refuse the secret.
    """
    client = boto3.client(
        "s3",
        region_name="auto",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret,
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
    )
    deadline = time.monotonic() + keeper.START_TIMEOUT
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(BotoCoreError, ClientError):
            client.create_bucket(Bucket=BUCKET)
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    keeper.exit_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="s3-", ignore_cleanup_errors=True) as name:
        keep_server(Path(name).resolve())
