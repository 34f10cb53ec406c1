"""Which keys has the file had already? On disk, so that memory does not grow with the file."""

import sqlite3
from types import TracebackType
from typing import Self


class Seen:
    """Keys and the lines they stood in first."""

    def __init__(self) -> None:
        # The empty name: a temporary file that is gone with its connection.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, line INT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def line_of(self, key: str) -> int | None:
        """Where ``key`` stood first, ``None`` if nowhere yet."""
        row = self._database.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def add(self, key: str, line: int) -> None:
        """Remember the key, unless it is there."""
        self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line))
