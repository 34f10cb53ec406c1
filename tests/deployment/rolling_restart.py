"""Stop and replace the service under load, and count the outcomes of the requests.

Usage: ``python -m tests.deployment.rolling_restart [--seconds 30] [--server COMMAND]``

1. SIGTERM under load: every request that was sent gets a complete response, including one that
   waits for a lock, and the server exits with status 0.
2. Two instances behind Caddy, as in compose.yaml, are replaced one after the other under load: no
   request fails, and no write is lost or repeated.
3. SIGHUP (``systemctl reload``) replaces the server's worker processes under load: as in 2.

The server is the Dockerfile's, or a COMMAND with ``{port}`` in it. Everything runs on the loopback
interface.
"""

import argparse
import shlex
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg

from tests.deployment import image, proxy, service
from tests.deployment.load import Client, Outcome, Request
from tests.deployment.site import Site
from tests.support.postgres import running_postgres

#: ``stop_grace_period`` in compose.yaml.
GRACE_SECONDS = 50
#: The sleep in ``pre_stop`` in compose.yaml.
DRAIN_SECONDS = 6


def stop_under_load(site: Site) -> Outcome:
    """Send SIGTERM under load; return the outcome of the load and of one slow request."""
    port = service.free_port()
    row = site.seeded["webchats"][1]
    change = Request("PUT", f"/api/webchats/{row}", '{"offsetX": 11}')
    with ExitStack() as stack:
        process = stack.enter_context(site.served(port))
        lock = stack.enter_context(psycopg.connect(site.database))
        outcome = stack.enter_context(site.load(port))
        lock.execute("SELECT 1 FROM webchats_webchat WHERE id = %s FOR UPDATE", [row])
        slow = Client(port, [change], site.seeded["key"], outcome=Outcome())
        slow.start()
        _wait_until(lambda: _is_lock_awaited(site.database))
        _wait_until(lambda: outcome.responses.total() > 3 * site.clients)
        process.terminate()
        # The server no longer accepts connections.
        _wait_until(lambda: outcome.refused > 0)
        assert process.poll() is None, "The server did not wait for the slow request."
        lock.rollback()
        slow.join()
        assert process.wait(GRACE_SECONDS) == 0
    outcome.responses += slow.outcome.responses
    outcome.lost += Counter({f"{lost}, slow": n for lost, n in slow.outcome.lost.items()})
    return outcome


def replace_under_load(site: Site, *, before: float, total: float) -> Outcome:
    """Replace two instances behind the proxy under load.

    The replacement begins after ``before`` seconds. The load lasts at least ``total`` seconds.
    """
    ports = [service.free_port(), service.free_port()]
    with ExitStack() as stack:
        processes = [stack.enter_context(site.served(port)) for port in ports]
        proxy_port = stack.enter_context(proxy.running_proxy(ports, site.folder))
        with site.load(proxy_port) as outcome:
            started = time.monotonic()
            time.sleep(before)
            # What `docker compose up --detach --no-deps --wait web-1` does, and then for web-2.
            for port, process in zip(ports, processes, strict=True):
                site.drain_file(port).touch()
                time.sleep(DRAIN_SECONDS)
                process.terminate()
                assert process.wait(GRACE_SECONDS) == 0
                site.drain_file(port).unlink()
                stack.enter_context(site.served(port))
            time.sleep(max(0.0, started + total - time.monotonic()))
    return outcome


def reload_under_load(site: Site) -> Outcome:
    """Send SIGHUP under load and wait until every worker process has been replaced."""
    port = service.free_port()
    with site.served(port) as process, site.load(port) as outcome:
        former = _children(process.pid)
        assert former
        process.send_signal(signal.SIGHUP)
        _wait_until(lambda: not former & _children(process.pid))
        responses = outcome.responses.total()
        _wait_until(lambda: outcome.responses.total() > responses + site.clients)
        assert process.poll() is None
    return outcome


def _children(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def _is_lock_awaited(database: str) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(database) as connection:
        return connection.execute(waiting).fetchone() is not None


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def main() -> int:
    """Run all three parts; return 1 if a request failed in one of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30, help="the second part's load")
    parser.add_argument("--server", default="", metavar="COMMAND", help="with {port} in it")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rolling-") as name,
        running_postgres() as url,
        service.temporary_database(url, "rolling") as database,
    ):
        site = Site.create(database, Path(name), command=arguments.server, clients=16)
        print(site.command or shlex.join(image.COMMAND))
        stopped = stop_under_load(site)
        print("SIGTERM under load:", stopped, flush=True)
        before = site.created()
        replaced = replace_under_load(site, before=arguments.seconds / 3, total=arguments.seconds)
        created = site.created() - before
        print("Both instances replaced under load:", replaced)
        print(f"{replaced.responses[201]} responses 201, {created} rows created")
        reloaded = reload_under_load(site)
        print("Reloaded under load:", reloaded)
        failed = (
            any(part.lost or part.errors for part in (stopped, replaced, reloaded))
            or any(part.refused or part.reset for part in (replaced, reloaded))
            or created != replaced.responses[201]
        )
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
