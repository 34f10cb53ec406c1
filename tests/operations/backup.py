"""A backup is only one if it can be restored: the README's commands, and the service on the result.

Usage: ``python -m tests.operations.backup [--webchats 200]``. On PostgreSQL: dump, drop, restore,
compare every row of every table, then sign in with an old password, call with an old key and renew
an old token. On SQLite: copy while the service writes.
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

from tests.operations import service
from tests.operations.rolling_restart import Site
from tests.support.postgres import running_postgres

#: As the README has them, without the container before them.
DUMP = ("pg_dump", "--format=custom", "--no-owner")
RESTORE = ("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction")
#: Arguments: the database and the copy. Page by page: ``VACUUM INTO`` would evaluate the
#: constraints, which need a function of Django's.
COPY_SQLITE = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
)


Rows = dict[str, list[str]]


def tools(database: str) -> Path | None:
    """The folder of a ``pg_dump`` that is not older than the server, which it would refuse."""
    with psycopg.connect(database) as connection:
        major = connection.info.server_version // 10_000
    folders = [*Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin")]
    if found := shutil.which("pg_dump"):
        folders.append(Path(found).resolve().parent)
    fit = [folder for folder in folders if _major(folder / "pg_dump") >= major]
    return min(fit, key=lambda folder: _major(folder / "pg_dump"), default=None)


def _major(program: Path) -> int:
    if not program.is_file():
        return 0
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[2].split(".")[0])


def restored(programs: Path, server_url: str, database: str, folder: Path) -> tuple[Rows, Rows]:
    """Dump a database, drop it, make it anew; its rows before and after."""
    before = rows(database)
    file = folder / "webchats.dump"
    _run(programs / DUMP[0], *DUMP[1:], f"--file={file}", database)
    name = sql.Identifier(database.rsplit("/", 1)[1])
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    assert rows(database) == {}
    _run(programs / RESTORE[0], *RESTORE[1:], f"--dbname={database}", file)
    return before, rows(database)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def rows(database: str) -> Rows:
    """Every row of every table as text, and how far every sequence has come."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        found = {}
        for (table,) in tables:
            every = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(table))
            found[table] = [row for (row,) in connection.execute(every)]
        sequences = "SELECT sequencename || ' ' || coalesce(last_value, 0) FROM pg_sequences"
        if listed := sorted(row for (row,) in connection.execute(sequences)):
            found["(sequences)"] = listed
        return found


def check_service(site: Site) -> None:
    """What the owner of old credentials expects of the service on a restored database."""
    made = site.made
    bearer = {"Authorization": f"Bearer {made['key']}"}
    port = service.free_port()
    with site.served(port):
        sign_in = {"email": made["email"], "password": made["password"]}
        assert service.send(port, "POST", "/api/auth/login", sign_in).status == 200
        renew = {"refreshToken": made["refresh"]}
        assert service.send(port, "POST", "/api/auth/refresh", renew).status == 200
        assert service.send(port, "POST", "/api/auth/refresh", renew).status == 401
        for chat in made["webchats"]:
            assert service.get(port, f"/api/webchats/{chat}", **bearer).status == 200
        body = {**made["body"], "name": "After the restore"}
        assert service.send(port, "POST", "/api/webchats", body, **bearer).status == 201


def changes_recorded(database_rows: Rows) -> int:
    """How many versions of webchats are kept."""
    return len(database_rows["webchats_historicalwebchat"])


def main() -> int:
    """Do it on a PostgreSQL of its own and say what was compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--webchats", type=int, default=200, help="of each organization")
    number = parser.parse_args().webchats
    with (
        tempfile.TemporaryDirectory(prefix="backup-") as name,
        running_postgres() as url,
        service.fresh_database(url, "backup") as database,
    ):
        programs = tools(url)
        if programs is None:
            print("There is no pg_dump of the server's version: install postgresql-client.")
            return 1
        site = Site.on(database, Path(name), number=number)
        before, after = restored(programs, url, database, Path(name))
        different = [table for table in before if before[table] != after.get(table)]
        total = sum(map(len, before.values()))
        print(f"{len(before)} tables, {total} rows, different after the restore: {different}")
        print(f"{changes_recorded(after)} versions in the history")
        check_service(site)
        print("An old password, an old key and an old token work; a new row can be made.")
        return 1 if different or before.keys() != after.keys() else 0


def copy_sqlite(database: Path, copy: Path) -> None:
    """The README's command for an installation on SQLite."""
    command = [sys.executable, "-c", COPY_SQLITE, str(database), str(copy)]
    subprocess.run(command, env={"PATH": os.defpath}, check=True)


if __name__ == "__main__":
    sys.exit(main())
