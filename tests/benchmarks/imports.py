"""Import webchats: the benchmark ``transfer``, in a separate process on ``DATABASE_URL``.

Every importer writes the same rows to the same table, with its indexes and constraints. The slow
ones import fewer rows. ``--json FILE`` writes every round.
"""

import argparse
import json
import os
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.benchmarks import importers  # noqa: E402
from tests.benchmarks.results import Figure, Result, Target, interleave  # noqa: E402

COMMAND = "import_webchats"
UPDATE = "import_webchats --update, unchanged"
BARE_ROWS = "bare rows: COPY or executemany"
IMPORT_EXPORT = "django-import-export"
IMPORT_EXPORT_BULK = "django-import-export, bulk mode"
SAVE = "full_clean() and save() in a loop"
#: The maximum number of rows for the slow importers.
MAX_ROWS = {SAVE: 2_000, IMPORT_EXPORT: 2_000, IMPORT_EXPORT_BULK: 5_000}
#: The target for our rate as a multiple of django-import-export's.
TARGET = 30


def create_importers(
    rows: importers.Rows, resources: ExitStack, against: Path | None
) -> dict[str, importers.Importer]:
    """Return the importers by name; ``against`` is another checkout to compare with."""
    database = os.environ["DATABASE_URL"]
    command = importers.ImportCommand(rows, database, resources)
    contenders = {
        BARE_ROWS: importers.bare_rows(rows),
        COMMAND: command.create,
        UPDATE: command.update,
        IMPORT_EXPORT_BULK: importers.import_export(rows, importers.BulkResource()),
        IMPORT_EXPORT: importers.import_export(rows, importers.WebchatResource()),
        SAVE: importers.save(rows),
    }
    if against:
        other = importers.ImportCommand(rows, database, resources, against)
        contenders[f"{COMMAND} ({against.name})"] = other.create
        contenders[f"{UPDATE} ({against.name})"] = other.update
    return contenders


def run_turn(rows: importers.Rows, name: str, importer: importers.Importer) -> dict[str, float]:
    """Import the rows and delete them again; return the rate by its unit."""
    count = min(rows.count, MAX_ROWS.get(name, rows.count))
    try:
        return {"rows/s": count / importer(count)()}
    finally:
        rows.clear()


def compare(rows: importers.Rows, rounds: int, against: Path | None) -> Result:
    """Run the importers in interleaved rounds, and compare the rates."""
    with ExitStack() as resources:
        turns = {
            name: partial(run_turn, rows, name, importer)
            for name, importer in create_importers(rows, resources, against).items()
        }
        measurements = interleave(
            turns, rounds=rounds, progress=lambda line: print(f"  … {line}", flush=True)
        )
    figures = {
        name: Figure(name, "rows/s", values["rows/s"]) for name, values in measurements.items()
    }
    ratios = [
        figures[UPDATE if name.startswith(UPDATE) else COMMAND].over(figure)
        for name, figure in figures.items()
        if name not in (COMMAND, UPDATE)
    ]
    result = Result([*figures.values(), *ratios])
    claim = f"{connection.vendor}: times the rate of {IMPORT_EXPORT}"
    ratio = figures[COMMAND].over(figures[IMPORT_EXPORT])
    result.targets.append(Target(claim, ratio, at_least=TARGET))
    limits = ", ".join(f"{name} {count:,}" for name, count in MAX_ROWS.items())
    result.notes.append(f"{rows.count:,} rows; at most: {limits}.")
    return result


def main() -> None:
    """Migrate the database, run the importers and print the result."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.imports")
    parser.add_argument("rows", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
        rows = importers.Rows(options.rows, Path(folder))
        result = compare(rows, options.rounds, options.against)
    print(f"\ntransfer ({connection.vendor})")
    result.show()
    if options.json:
        options.json.write_text(json.dumps(result.as_json()))


if __name__ == "__main__":
    main()
