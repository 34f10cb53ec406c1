"""Back up and restore with the documented commands, then use the restored service.

Usage: ``python -m tests.deployment.backup [--webchats 200]``. On PostgreSQL: dump, drop, restore,
compare every row of every table, then use a password, an API key and a refresh token from before
the backup. ``test_backup.py`` also copies SQLite while the service writes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from tests.deployment import service
from tests.deployment.site import Site
from tests.support.postgres import running_postgres

#: As documented, without ``docker compose exec -T database`` before them.
DUMP = ("pg_dump", "--format=custom", "--no-owner")
RESTORE = ("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction")
#: Arguments: the database and the copy.
COPY_SQLITE = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
)

#: The rows of each table as text, by the name of the table.
Tables = dict[str, list[str]]


def find_tools(database: str) -> Path | None:
    """Return the folder of a ``pg_dump`` that is not older than the server, or ``None``."""
    with psycopg.connect(database) as connection:
        major = connection.info.server_version // 10_000
    folders = [*Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin")]
    if found := shutil.which("pg_dump"):
        folders.append(Path(found).resolve().parent)
    suitable = [folder for folder in folders if _major(folder / "pg_dump") >= major]
    return min(suitable, key=lambda folder: _major(folder / "pg_dump"), default=None)


def _major(program: Path) -> int:
    if not program.is_file():
        return 0
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[2].split(".")[0])


def dump_and_restore(
    programs: Path, server_url: str, database: str, folder: Path
) -> tuple[Tables, Tables]:
    """Dump a database, drop it, create and restore it; return its tables before and after."""
    before = read_tables(database)
    file = folder / "webchats.dump"
    _run(programs / DUMP[0], *DUMP[1:], f"--file={file}", database)
    name = sql.Identifier(database.rsplit("/", 1)[1])
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    assert read_tables(database) == {}
    _run(programs / RESTORE[0], *RESTORE[1:], f"--dbname={database}", file)
    return before, read_tables(database)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def read_tables(database: str) -> Tables:
    """Return the rows of every table, and the sequences with their last values."""
    with psycopg.connect(database) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        tables = {}
        for (name,) in names:
            rows = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(name))
            tables[name] = [row for (row,) in connection.execute(rows)]
        sequences = "SELECT sequencename || ' ' || coalesce(last_value, 0) FROM pg_sequences"
        if values := sorted(row for (row,) in connection.execute(sequences)):
            tables["(sequences)"] = values
        return tables


def check_service(site: Site) -> None:
    """Use credentials from before the backup with the restored database, and create a row."""
    seeded = site.seeded
    bearer = {"Authorization": f"Bearer {seeded['key']}"}
    port = service.free_port()
    with site.served(port):
        sign_in = {"email": seeded["email"], "password": seeded["password"]}
        assert service.send(port, "POST", "/api/auth/login", sign_in).status == 200
        refresh = {"refreshToken": seeded["refresh"]}
        assert service.send(port, "POST", "/api/auth/refresh", refresh).status == 200
        assert service.send(port, "POST", "/api/auth/refresh", refresh).status == 401
        for webchat in seeded["webchats"]:
            assert service.get(port, f"/api/webchats/{webchat}", **bearer).status == 200
        body = {**seeded["body"], "name": "After the restore"}
        assert service.send(port, "POST", "/api/webchats", body, **bearer).status == 201


def count_versions(tables: Tables) -> int:
    """Return the number of versions of webchats in the history."""
    return len(tables["webchats_historicalwebchat"])


def copy_sqlite(database: Path, copy: Path) -> None:
    """Run the documented command for an installation on SQLite."""
    command = [sys.executable, "-c", COPY_SQLITE, str(database), str(copy)]
    subprocess.run(command, env={"PATH": os.defpath}, check=True)


def main() -> int:
    """Back up and restore on a temporary PostgreSQL server; return 1 if a table differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--webchats", type=int, default=200, help="of each organization")
    webchats = parser.parse_args().webchats
    with (
        tempfile.TemporaryDirectory(prefix="backup-") as name,
        running_postgres() as url,
        service.temporary_database(url, "backup") as database,
    ):
        programs = find_tools(url)
        if programs is None:
            print("No pg_dump of the server's version or newer. Install postgresql-client.")
            return 1
        site = Site.create(database, Path(name), webchats=webchats)
        before, after = dump_and_restore(programs, url, database, Path(name))
        different = [table for table in before if before[table] != after.get(table)]
        total = sum(map(len, before.values()))
        print(f"{len(before)} tables, {total} rows; different after the restore: {different}")
        print(f"{count_versions(after)} versions in the history")
        check_service(site)
        print("Old password, API key and refresh token accepted; new row created.")
        return 1 if different or before.keys() != after.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
