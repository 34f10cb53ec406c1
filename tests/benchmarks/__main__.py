"""``python -m tests.benchmarks transfer``: measure, on databases that start and stop with it."""

import argparse
import os
import subprocess
import sys
import tempfile

from tests.postgres import running_postgres

BENCHMARKS = ("transfer",)


def main() -> None:
    """Run a benchmark on PostgreSQL and on SQLite, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--database", choices=("postgres", "sqlite"))
    asked, more = parser.parse_known_args()
    command = [sys.executable, "-m", f"tests.benchmarks.{asked.benchmark}", str(asked.rows), *more]
    if asked.database != "sqlite":
        with running_postgres() as url:
            _run(command, url)
    if asked.database != "postgres":
        with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
            _run(command, f"sqlite:///{folder}/db.sqlite3")


def _run(command: list[str], database: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, "DATABASE_URL": database})


if __name__ == "__main__":
    main()
