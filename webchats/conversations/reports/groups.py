"""The number of conversations by each of several columns.

PostgreSQL counts them by each duration at once, with ``GROUPING SETS``, which Django does not have:
one pass over the index instead of four. Other databases execute a query for each column.
"""

from collections import Counter
from typing import Final, TypeAlias

from django.db import connection
from django.db.models import F, Func, IntegerField

from webchats.conversations.reports.periods import SLOT_SECONDS
from webchats.conversations.reports.sources import Rows, Sources

DURATIONS: Final = (
    "reply_seconds",
    "rep_reply_seconds",
    "longest_wait_seconds",
    "resolution_seconds",
)
SLOT: Final = "slot"

#: The numbers of conversations by column and value.
Histograms: TypeAlias = dict[str, Counter[int]]
#: A column, a value of it or null, and the number of rows that have it.
Group: TypeAlias = tuple[str, int | None, int]


class Slot(Func):
    """The number of the quarter of an hour since 1970."""

    template = f"CAST(strftime('%%%%s', %(expressions)s) AS integer) / {SLOT_SECONDS}"
    output_field = IntegerField()

    def as_postgresql(self, compiler, connection):  # type: ignore[no-untyped-def]
        template = f"floor(date_part('epoch', %(expressions)s) / {SLOT_SECONDS})::integer"
        return self.as_sql(compiler, connection, template=template)


def count_slots(sources: Sources) -> Counter[int]:
    """Return the number of rows by the quarter of an hour of the first message."""
    slots = Counter[int]()
    for rows in sources.both:
        slots += Sources.count_rows(rows, SLOT, slot=Slot(F("first_message_at")))
    return slots


def count_durations(sources: Sources) -> Histograms:
    """Return the number of rows by each of ``DURATIONS``, of those that have it."""
    counts = {name: Counter[int]() for name in DURATIONS}
    count = _count_at_once if connection.vendor == "postgresql" else count_separately
    for rows in sources.both:
        for name, value, number in count(rows):
            if value is not None:
                counts[name][value] += number
    return counts


def _count_at_once(rows: Rows) -> list[Group]:
    """Return the column, the value and the number of each group."""
    sql, parameters = rows.values_list(*DURATIONS).query.sql_with_params()
    names = ", ".join(DURATIONS)
    sets = ", ".join(f"({name})" for name in DURATIONS)
    # The names are constants, and the values are parameters.
    query = (
        f"SELECT GROUPING({names}), COALESCE({names}), count(*) "  # noqa: S608
        f"FROM ({sql}) AS facts ({names}) GROUP BY GROUPING SETS ({sets})"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [(_NAMES[mask], value, number) for mask, value, number in cursor.fetchall()]


def count_separately(rows: Rows) -> list[Group]:
    """Return the same by a query for each column."""
    return [
        (name, value, number)
        for name in DURATIONS
        for value, number in Sources.count_rows(rows, name).items()
    ]


#: The column of a group by the bits of ``GROUPING``, which are set for the others.
_NAMES: Final = {
    (1 << len(DURATIONS)) - 1 - (1 << (len(DURATIONS) - 1 - number)): name
    for number, name in enumerate(DURATIONS)
}
