"""``python -m tests.benchmarks.worker_kills``: SIGKILL of workers while they answer visitors.

Visitors write, and workers answer with the built-in provider, while one worker after the other is
killed in the middle of its replies. At the end each conversation must have exactly one answer. It
runs on PostgreSQL and on SQLite, or on the database of ``--url``, and prints a line of figures for
each. Leases last two seconds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django
from django.core.management import call_command

from tests.support.postgres import running_postgres

ROOT = Path(__file__).resolve().parents[2]
KILLS = 100


def run_on(url: str, kills: int) -> str:
    """Run on a database, and return the figures."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "webchat_project.settings",
        "DATABASE_URL": url,
        "DEBUG": "true",
        "AI_DEBOUNCE_SECONDS": "0.1",
        "LOG_LEVEL": "ERROR",
    }
    django.setup()
    # It imports models, and so the settings.
    from tests.support.worker_kills import kill_workers  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    return kill_workers(kills)


def main() -> None:
    """Run on the database of the command line, or on a new one of each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--kills", type=int, default=KILLS)
    options = parser.parse_args()
    if options.url:
        print(run_on(options.url, options.kills))
        return
    # A process reads the settings once.
    command = [sys.executable, "-m", "tests.benchmarks.worker_kills", f"--kills={options.kills}"]
    with running_postgres() as url, tempfile.TemporaryDirectory() as folder:
        for name, database in (("postgresql", url), ("sqlite", f"sqlite:///{folder}/db.sqlite3")):
            print(name, end=": ", flush=True)
            subprocess.run([*command, f"--url={database}"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
