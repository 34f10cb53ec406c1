"""PgBouncer on the loopback interface, in transaction mode."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.deployment import service

PROGRAM = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
#: PgBouncer refuses to run as root.
_NOBODY = pwd.getpwnam("nobody") if os.geteuid() == 0 else None


@contextmanager
def running_pgbouncer(database_url: str, folder: Path) -> Iterator[str]:
    """Run PgBouncer for a database, with two connections to it, and yield the URL to use."""
    assert PROGRAM
    url, port = urlsplit(database_url), service.free_port()
    name, log = url.path.strip("/"), folder / "pgbouncer.log"
    config = f"""
[databases]
{name} = host={url.hostname} port={url.port} user={url.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""
    # Outside of the tests' folder, which the other account may not enter.
    with tempfile.NamedTemporaryFile("w", dir="/tmp" if _NOBODY else None) as file:
        file.write(config)
        file.flush()
        Path(file.name).chmod(0o644)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PROGRAM, file.name],
                stdout=output,
                stderr=subprocess.STDOUT,
                user=_NOBODY.pw_uid if _NOBODY else None,
                group=_NOBODY.pw_gid if _NOBODY else None,
                extra_groups=[] if _NOBODY else None,
            )
        try:
            pooled = f"postgres://{url.username}@127.0.0.1:{port}/{name}"
            _wait_until_ready(pooled, process, log)
            yield pooled
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return
