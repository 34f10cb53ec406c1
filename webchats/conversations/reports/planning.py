"""Settings of PostgreSQL with which it reads a report by several processes.

A report of 500,000 conversations takes 0.6 s with them instead of 1.0 s, on two cores.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

_SETTINGS: Final = {
    # Compiling a query takes longer than it saves.
    "jit": "off",
    # A group by several columns is expected to have many more values than it has. It would be
    # sorted instead of hashed, and each group passed from one process to another at a high cost.
    "work_mem": "64MB",
    "parallel_tuple_cost": "0.01",
    "parallel_setup_cost": "500",
    "max_parallel_workers_per_gather": "2",
}


@contextmanager
def planned_for_reports() -> Iterator[None]:
    """Apply the settings to the queries in the block, or until the end of an outer transaction."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            calls = ", ".join(["set_config(%s, %s, true)"] * len(_SETTINGS))
            pairs = [text for pair in _SETTINGS.items() for text in pair]
            cursor.execute(f"SELECT {calls}", pairs)
        yield
