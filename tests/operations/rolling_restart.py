"""The service is stopped, and replaced, while clients call it: what becomes of their requests?

Usage: ``python -m tests.operations.rolling_restart [--seconds 30] [--server COMMAND]``

1. SIGTERM under load: every request that was sent on a connection gets its whole answer, one that
   waits for a lock too, and the server ends with status 0.
2. Two instances behind Caddy, as in compose.yaml, are replaced one after the other in the middle
   of a load: no request fails, and no write is lost or done twice.

3. Without containers, SIGHUP (`systemctl reload`) replaces the server's processes by ones with the
   new code, under load: the same holds.

The server is the Dockerfile's, or a COMMAND with ``{port}`` in it. Everything is on the loopback.
"""

import argparse
import json
import shlex
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.operations import proxy, service
from tests.operations.dockerfile import steps
from tests.operations.load import Account, Asked, Client, running_load
from tests.support.postgres import running_postgres

#: As in compose.yaml, ``stop_grace_period``.
GRACE_SECONDS = 50
#: As in its ``pre_stop``.
DRAIN_SECONDS = 6
OF_THE_LOAD = "Of the load"
IMAGE = steps((service.ROOT / "Dockerfile").read_text())
#: How many processes and threads the image's server has.
SERVER_VARIABLES = dict(
    pair.split("=", 1)
    for step in IMAGE
    if step.name == "ENV"
    for pair in step.words
    if pair.startswith("GRANIAN_")
)


@dataclass
class Site:
    """A seeded database and how to serve it."""

    database: str
    folder: Path
    made: dict[str, Any]
    command: list[str]
    clients: int = 8
    #: Changes to the image's variables.
    variables: dict[str, str] = field(default_factory=dict)
    _started: int = field(default=0, init=False)

    @classmethod
    def on(
        cls, database: str, folder: Path, command: str = "", number: int = 5, **options: Any
    ) -> "Site":
        """Migrate and fill an empty database."""
        made = service.seeded(database, number)
        words = shlex.split(command) or IMAGE[-1].words
        return cls(database, folder, made, words, **options)

    @contextmanager
    def served(self, port: int) -> Iterator[Any]:
        """Run the server on a port, at the most as long as the block."""
        self._started += 1
        log = self.folder / f"server-{self._started}.log"
        # The proxy of the second part does not speak TLS.
        changes = {
            **SERVER_VARIABLES,
            **self.variables,
            "SECURE_SSL_REDIRECT": "false",
            "DRAIN_FILE": str(self.drain_file(port)),
        }
        env = service.environment(self.database, STATIC_ROOT=str(self.folder), **changes)
        words = [
            word.replace("0.0.0.0", "127.0.0.1").replace("8000", str(port)).format(port=port)
            for word in self.command
        ]
        with service.started(words, env, log) as process:
            service.wait_until_alive(port, process, log)
            yield process

    def drain_file(self, port: int) -> Path:
        """What says that the instance on the port is about to stop."""
        return self.folder / f"draining-{port}"

    @property
    def requests(self) -> list[Asked]:
        """Reads and writes, the last of which must not be done twice."""
        chat = f"/api/webchats/{self.made['webchats'][0]}"
        return [
            Asked("GET", "/api/webchats?limit=5"),
            Asked("PUT", chat, '{"offsetX": 9}'),
            Asked("GET", chat),
            Asked("POST", "/api/webchats", json.dumps({**self.made["body"], "name": OF_THE_LOAD})),
        ]

    def load(self, port: int) -> AbstractContextManager[Account]:
        """Clients that call the port, half of them on kept connections."""
        return running_load(port, self.requests, self.made["key"], clients=self.clients)

    def created(self) -> int:
        """How many rows the load has made."""
        with psycopg.connect(self.database) as connection:
            count = connection.execute(
                "SELECT count(*) FROM webchats_webchat WHERE name = %s", [OF_THE_LOAD]
            ).fetchone()
        assert count
        return int(count[0])


def stop_under_load(site: Site) -> Account:
    """Part 1: the account of the load and of one slow request. The server ends with status 0."""
    port = service.free_port()
    row = site.made["webchats"][1]
    change = Asked("PUT", f"/api/webchats/{row}", '{"offsetX": 11}')
    with ExitStack() as stack:
        process = stack.enter_context(site.served(port))
        lock = stack.enter_context(psycopg.connect(site.database))
        account = stack.enter_context(site.load(port))
        lock.execute("SELECT 1 FROM webchats_webchat WHERE id = %s FOR UPDATE", [row])
        slow = Client(port, [change], site.made["key"], account=Account())
        slow.start()
        _wait_until(lambda: _someone_waits_for_a_lock(site.database))
        _wait_until(lambda: account.answered.total() > 3 * site.clients)
        process.terminate()
        # It has heard of it: nobody new is let in.
        _wait_until(lambda: account.refused > 0)
        assert process.poll() is None, "It did not wait for the slow request."
        lock.rollback()
        slow.join()
        assert process.wait(GRACE_SECONDS) == 0
    account.answered += slow.account.answered
    account.lost += Counter({f"{lost}, slow": n for lost, n in slow.account.lost.items()})
    return account


def replace_under_load(site: Site, *, before: float, whole: float) -> Account:
    """Part 2: the account of a load of ``whole`` seconds at the least, in which after ``before``
    seconds both instances are replaced."""
    ports = [service.free_port(), service.free_port()]
    with ExitStack() as stack:
        running = [stack.enter_context(site.served(port)) for port in ports]
        entrance = stack.enter_context(proxy.running_proxy(ports, site.folder))
        with site.load(entrance) as account:
            started = time.monotonic()
            time.sleep(before)
            # What `docker compose up --detach --no-deps --wait web-1` does, and then for web-2.
            for port, process in zip(ports, running, strict=True):
                site.drain_file(port).touch()
                time.sleep(DRAIN_SECONDS)
                process.terminate()
                assert process.wait(GRACE_SECONDS) == 0
                site.drain_file(port).unlink()
                stack.enter_context(site.served(port))
            time.sleep(max(0.0, started + whole - time.monotonic()))
    return account


def reload_under_load(site: Site) -> Account:
    """Part 3: the account of a load during which SIGHUP replaces every process of the server."""
    port = service.free_port()
    with site.served(port) as process, site.load(port) as account:
        former = _children(process.pid)
        assert former
        process.send_signal(signal.SIGHUP)
        _wait_until(lambda: not former & _children(process.pid))
        answered = account.answered.total()
        _wait_until(lambda: account.answered.total() > answered + site.clients)
        assert process.poll() is None
    return account


def _children(pid: int) -> set[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def _someone_waits_for_a_lock(database: str) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(database) as connection:
        return connection.execute(waiting).fetchone() is not None


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def main() -> int:
    """All parts; 1 if a request failed in one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30, help="the second part's load")
    parser.add_argument("--server", default="", metavar="COMMAND", help="with {port} in it")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rolling-") as name,
        running_postgres() as url,
        service.fresh_database(url, "rolling") as database,
    ):
        site = Site.on(database, Path(name), arguments.server, clients=16)
        print(shlex.join(site.command))
        first = stop_under_load(site)
        print("SIGTERM under load:", first, flush=True)
        before = site.created()
        second = replace_under_load(site, before=arguments.seconds / 3, whole=arguments.seconds)
        made = site.created() - before
        print("Both instances replaced under load:", second)
        print(f"{second.answered[201]} were told that a row was made, {made} rows were made")
        third = reload_under_load(site)
        print("Reloaded under load:", third)
        bad = [part.lost or part.failed for part in (first, second, third)]
        return (
            1
            if any(
                [
                    *bad,
                    second.refused,
                    third.refused,
                    second.untaken,
                    third.untaken,
                    made != second.answered[201],
                ]
            )
            else 0
        )


if __name__ == "__main__":
    sys.exit(main())
