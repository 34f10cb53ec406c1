"""``python -m tests.benchmarks.inbox [SIZE…]``: the list of the inbox with more conversations.

For each size a database has that many conversations, half of them in one organization, and twice as
many messages. A member of the organization requests the list. A million rows take three minutes.
"""

import subprocess
import sys
from typing import Final

import psycopg

from tests.benchmarks.servers import ROOT, environment
from tests.support.postgres import running_postgres

SIZES: Final = ("1000", "1000000")


def main() -> None:
    """Fill a database of each size, and measure each in a process of its own."""
    with running_postgres() as url:
        base = url.rpartition("/")[0]
        _run(url, "manage.py", "migrate", "--verbosity=0")
        for size in sys.argv[1:] or SIZES:
            with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "inbox{size}" TEMPLATE webchats')
            _run(f"{base}/inbox{size}", "-m", "tests.benchmarks.inbox_data", size)
            print(f"\n{int(size):,} conversations", flush=True)
            _run(f"{base}/inbox{size}", "-m", "tests.benchmarks.inbox_requests")


def _run(url: str, *arguments: str) -> None:
    variables = environment(url, DATABASE_STATEMENT_SECONDS="0", PYTHONWARNINGS="ignore")
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=variables, check=True)


if __name__ == "__main__":
    main()
