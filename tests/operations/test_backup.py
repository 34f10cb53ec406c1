"""What a backup brings back."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.operations import backup, service
from tests.operations.rolling_restart import Site


def test_a_restored_postgresql_has_every_row_and_the_service_works_on_it(
    database_url: str, empty_database: str, tmp_path: Path
) -> None:
    programs = backup.tools(empty_database)
    if programs is None:
        reason = "There is no pg_dump that is as new as the server: install postgresql-client."
        assert "CI" not in os.environ, reason
        pytest.skip(reason)
    site = Site.on(empty_database, tmp_path, number=3, variables={"GRANIAN_WORKERS": "1"})
    before, after = backup.restored(programs, database_url, empty_database, tmp_path)
    assert after == before
    assert len(before) > 20
    # Two organizations of three webchats, each made and then changed.
    assert backup.changes_recorded(after) == 12
    backup.check_service(site)


def dumped(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_a_copy_of_sqlite_is_whole_though_the_service_goes_on_writing(tmp_path: Path) -> None:
    file, copy = tmp_path / "db.sqlite3", tmp_path / "copy.sqlite3"
    service.seeded(f"sqlite:///{file}", 2)
    before = dumped(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        # In the middle of a transaction: what is not committed is not in the copy.
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE webchats_webchat SET name = 'half done'")
        backup.copy_sqlite(file, copy)
        writer.execute("COMMIT")
    assert dumped(copy) == before
    assert dumped(file) != before
    with closing(sqlite3.connect(copy)) as connection:
        # Django's own function, which the constraints call.
        connection.create_function("REGEXP", 2, lambda form, text: bool(re.search(form, text)))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
