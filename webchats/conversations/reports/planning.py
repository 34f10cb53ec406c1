"""Settings of PostgreSQL with which several processes read a report.

A report of 500,000 conversations takes 0.6 s with them instead of 0.9 s, on two cores.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

_SETTINGS: Final = {
    # PostgreSQL expects far more groups of several columns, or of an expression, than there are.
    # So it would sort the rows, which takes twice as long, and would rather not pass groups from
    # one process to another.
    "work_mem": "64MB",
    "parallel_tuple_cost": "0.01",
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
