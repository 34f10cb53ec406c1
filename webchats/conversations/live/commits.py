"""Detection of the commits of other processes to an SQLite database."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from typing import Final

from django.db import connection

logger = logging.getLogger("live")

#: Seconds between two reads of the counter, which take microseconds.
INTERVAL: Final = 0.05
#: Seconds for which a read waits while the whole file is locked.
LOCK_SECONDS: Final = 5


def sqlite_path() -> str | None:
    """Return the path of the database, ``None`` unless it is a file of SQLite."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or name.startswith(("file:", ":")):
        return None
    return name


class CommitWatcher(Thread):
    """Calls ``on_commit`` in a separate thread after commits of any other connection.

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
        known = None
        with closing(self._connect()) as database:
            while True:
                try:
                    version = _read_version(database)
                except sqlite3.OperationalError as error:  # such as a lock, which ends
                    logger.warning("Commits of other processes cannot be noticed: %s", error)
                else:
                    if known not in (None, version):
                        self._on_commit()
                    known = version
                    self.is_ready.set()
                if self._stopped.wait(INTERVAL):
                    return

    def stop(self) -> None:
        """End the thread, and wait for its end: ``on_commit`` may need what is closed next."""
        self._stopped.set()
        self.join()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=LOCK_SECONDS, isolation_level=None)


def _read_version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA data_version").fetchone()
    return int(version)
