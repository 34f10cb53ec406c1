"""The number of hops between this project's modules, which is what a reader has to follow."""

import os
import subprocess
import sys
from typing import Final

from django.conf import settings

#: The most hops of an operation: see ``tests.benchmarks.trace``, whose ``--detail`` lists them.
MAXIMA: Final = {"create": 50, "list": 28, "icon": 50, "import": 60}


def test_operations_stay_within_their_maximum_of_hops() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.trace"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    # The first lines are the folder and the header. The columns: name, files, calls, hops, links.
    rows = [line.split() for line in result.stdout.splitlines()[2:]]
    hops = {row[0]: int(row[3]) for row in rows}
    assert {name: hops[name] for name, most in MAXIMA.items() if hops[name] > most} == {}
