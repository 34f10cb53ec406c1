"""100,000 webchats into the database: our import beside what else there is.

Every contender gets the same rows and writes the same table, with its indexes and constraints.
Slow ones get fewer of them. They take turns, several rounds long, so that what else the machine
does falls upon all of them; what is printed is rows in a second and how they compare, each the
median of the rounds with the least and the most.
"""

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
os.environ["DEBUG"] = "true"
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.benchmarks.contenders import Contenders  # noqa: E402

#: How many rows the slow ones get.
FEW = {"save": 2_000, "import-export": 2_000, "import-export bulk": 5_000}
#: The method that prepares each, its name, and what it is.
CONTENDERS = {
    "floor": ("floor", "floor: COPY / executemany of ready rows"),
    "ours": ("ours", "import_webchats"),
    "ours_update": ("ours update", "import_webchats --update, unchanged"),
    "import_export_bulk": ("import-export bulk", "django-import-export, bulk mode"),
    "import_export": ("import-export", "django-import-export as it comes"),
    "save": ("save", "full_clean() and save() in a loop"),
}


def measured(contenders: Contenders, rounds: int) -> dict[str, list[float]]:
    """Rows in a second of each contender in each round."""
    speeds: dict[str, list[float]] = {name: [] for name, _ in CONTENDERS.values()}
    for number in range(rounds):
        for method, (name, _) in CONTENDERS.items():
            count = min(contenders.rows, FEW.get(name, contenders.rows))
            run = getattr(contenders, method)(count)
            start = time.perf_counter()
            run()
            speeds[name].append(count / (time.perf_counter() - start))
            contenders.clear()
        print(f"{connection.vendor}: round {number + 1} of {rounds}", flush=True)
    return speeds


def summary(values: list[float]) -> dict[str, float]:
    """The middle of the rounds, and how far they lie apart."""
    return {"median": median(values), "least": min(values), "most": max(values)}


def compared(speeds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """How many times as fast as another the import is, round by round."""
    return {
        other: summary([a / b for a, b in zip(speeds["ours"], speeds[other], strict=True)])
        for other in ("import-export", "import-export bulk", "floor")
    }


def _print(rows: int, speeds: dict[str, list[float]]) -> None:
    print(f"\n{connection.vendor}, {rows:,} rows; median (least to most)")
    for name, title in CONTENDERS.values():
        found = summary(speeds[name])
        note = f"  of {FEW[name]:,} rows" if FEW.get(name, rows) < rows else ""
        spread = f"({found['least']:,.0f} to {found['most']:,.0f})"
        print(f"{title:42}{found['median']:>10,.0f} rows/s {spread}{note}")
    for other, found in compared(speeds).items():
        times = " to ".join(f"{found[name]:.2f}" for name in ("least", "most"))
        print(f"import_webchats / {other}: {found['median']:.2f} ({times})", flush=True)


def _write(path: Path, rows: int, speeds: dict[str, list[float]]) -> None:
    """Put this database's figures into the file, beside those of the other."""
    found = json.loads(path.read_text()) if path.exists() else {}
    found[connection.vendor] = {
        "rows": rows,
        "rowsPerSecond": {name: summary(values) for name, values in speeds.items()},
        "timesAsFastAs": compared(speeds),
        "rounds": speeds,
    }
    path.write_text(json.dumps(found, indent=2) + "\n")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    speeds = measured(Contenders(asked.rows), asked.rounds)
    _print(asked.rows, speeds)
    if asked.json:
        _write(asked.json, asked.rows, speeds)


if __name__ == "__main__":
    main()
