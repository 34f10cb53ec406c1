"""Detection of the commits of other processes to an SQLite database."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from typing import Final

from django.db import connection

#: Seconds between two reads of the counter, which take microseconds.
INTERVAL: Final = 0.05


def sqlite_path() -> str | None:
    """Return the path of the database, ``None`` unless it is a file of SQLite."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or name.startswith(("file:", ":")):
        return None
    return name


class CommitWatcher(Thread):
    """Calls ``on_commit`` in a thread of its own after commits of any other connection.

    ``PRAGMA data_version`` changes with every commit, except for those of the same connection.
    """

    def __init__(self, path: str, on_commit: Callable[[], object]) -> None:
        super().__init__(name="live-commits", daemon=True)
        self._path = path
        self._on_commit = on_commit
        self._stopped = Event()
        #: Set when later commits will be noticed.
        self.is_ready = Event()

    def run(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
            known = _read_version(database)
            self.is_ready.set()
            while not self._stopped.wait(INTERVAL):
                version = _read_version(database)
                if version != known:
                    known = version
                    self._on_commit()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()


def _read_version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA data_version").fetchone()
    return int(version)
