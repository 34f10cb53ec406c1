"""A restored backup is complete, and the service works with it."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.deployment import backup, service
from tests.deployment.site import Site


def test_a_restored_postgresql_database_has_every_row_and_serves_old_credentials(
    database_url: str, empty_database: str, tmp_path: Path
) -> None:
    programs = backup.find_tools(empty_database)
    if programs is None:
        reason = "No pg_dump of the server's version or newer: install postgresql-client."
        assert "CI" not in os.environ, reason
        pytest.skip(reason)
    site = Site.create(empty_database, tmp_path, webchats=3, variables={"GRANIAN_WORKERS": "1"})
    before, after = backup.dump_and_restore(programs, database_url, empty_database, tmp_path)
    assert after == before
    assert len(before) > 20
    # Two organizations with three webchats each, which were created and then changed.
    assert backup.count_versions(after) == 12
    backup.check_service(site)


def dump_sqlite(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_a_copy_of_sqlite_is_consistent_while_the_service_writes(tmp_path: Path) -> None:
    file, copy = tmp_path / "db.sqlite3", tmp_path / "copy.sqlite3"
    service.seed_database(f"sqlite:///{file}", 2)
    before = dump_sqlite(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        # Uncommitted changes are not copied.
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE webchats_webchat SET name = 'uncommitted'")
        backup.copy_sqlite(file, copy)
        writer.execute("COMMIT")
    assert dump_sqlite(copy) == before
    assert dump_sqlite(file) != before
    with closing(sqlite3.connect(copy)) as connection:
        # The constraints use this function of Django.
        connection.create_function("REGEXP", 2, lambda form, text: bool(re.search(form, text)))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
