"""The number of conversations by each of several columns.

PostgreSQL counts them by all columns in one pass over the index, with ``GROUPING SETS``, which
Django does not have. Other databases execute a query for each column. Of 500,000 conversations, one
pass takes 0.55 s instead of 0.85 s for three. Both halves of the period in parallel take 0.35 s.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from django.db import connection
from django.db.models import F, Func, IntegerField

from webchats.conversations.reports.sources import Rows, Sources

DURATIONS: Final = (
    "reply_seconds",
    "rep_reply_seconds",
    "longest_wait_seconds",
    "resolution_seconds",
)
#: The number of the ``Period.slot`` of the first message since 1970.
SLOT: Final = "slot"
#: A group for each combination of ``VOLUME_COLUMNS``.
VOLUME: Final = "volume"
VOLUME_COLUMNS: Final = ("webchat_id", "answered_by_id", "ai_prompt_id", "ai_prompt_version")

_COLUMNS: Final = (*DURATIONS, *VOLUME_COLUMNS)
#: The numbers of conversations by name and value: an integer, or a tuple of ``VOLUME_COLUMNS``.
# Any: of either type.
Groups: TypeAlias = dict[str, Counter[Any]]
#: A name, a value and the number of rows that have it.
Group: TypeAlias = tuple[str, Any, int]


class Slot(Func):
    """The number of the slot of some seconds since 1970."""

    template = "CAST(strftime('%%%%s', %(expressions)s) AS integer) / %(seconds)s"
    output_field = IntegerField()

    def as_postgresql(self, compiler, connection):  # type: ignore[no-untyped-def]
        template = "floor(date_part('epoch', %(expressions)s) / %(seconds)s)::integer"
        return self.as_sql(compiler, connection, template=template)


def count_groups(sources: Sources, *names: str) -> Groups:
    """Return the numbers of rows by each of the names, without those of no value."""
    counts: Groups = {name: Counter() for name in names}
    count = count_at_once if connection.vendor == "postgresql" else count_separately
    for name, value, number in count(sources, names):
        if value is not None:
            counts[name][value] += number
    return counts


def count_separately(sources: Sources, names: Sequence[str]) -> Iterator[Group]:
    """Yield the groups of a query for each name and table."""
    slot = Slot(F("first_message_at"), seconds=_seconds(sources))
    for name in names:
        columns = VOLUME_COLUMNS if name == VOLUME else (name,)
        for rows in sources.both:
            groups = Sources.count_rows(rows, *columns, slot=slot)
            yield from ((name, value, number) for value, number in groups.items())


def count_at_once(sources: Sources, names: Sequence[str]) -> Iterator[Group]:
    """Yield the groups of one query. A group may come several times, from parts of the period."""
    everything = (1 << len(names)) - 1
    by_mask = {everything ^ 1 << bit: name for bit, name in enumerate(reversed(names))}
    parts = [_count_part(rows, names, _seconds(sources)) for rows in sources.parts]
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(sql for sql, _ in parts),
            [parameter for _, parameters in parts for parameter in parameters],
        )
        for mask, value, *volume, number in cursor:
            name = by_mask[mask]
            yield name, tuple(volume) if name == VOLUME else value, number


def _count_part(rows: Rows, names: Sequence[str], seconds: int) -> tuple[str, tuple[Any, ...]]:
    """Return SQL and its parameters. Each row has a bit for each name, which is set for the others,
    a value, ``VOLUME_COLUMNS`` if they are counted, and a number."""
    sql, parameters = rows.values_list("first_message_at", *_COLUMNS).query.sql_with_params()
    sets = {name: VOLUME_COLUMNS if name == VOLUME else (name,) for name in names}
    number = f"CAST(EXTRACT(epoch FROM {SLOT}) AS integer) / {seconds}"
    grouped = ", ".join(f"({', '.join(columns)})" for columns in sets.values())
    values = [number if name == SLOT else name for name in names if name != VOLUME]
    selected = (
        f"GROUPING({', '.join(columns[0] for columns in sets.values())})",
        f"COALESCE({', '.join((*values, 'NULL'))})",
        *sets.get(VOLUME, ()),
        "count(*)",
    )
    # Names and seconds are ours, and the values are parameters.
    return (
        f"SELECT {', '.join(selected)} FROM ("  # noqa: S608
        # Half the time of ``date_part``, which calculates with floating-point numbers.
        f"SELECT *, date_bin('{seconds} s', first_message_at, 'epoch'::timestamptz) AS {SLOT}"
        f" FROM ({sql}) AS facts (first_message_at, {', '.join(_COLUMNS)})) AS facts"
        f" GROUP BY GROUPING SETS ({grouped})"
    ), parameters


def _seconds(sources: Sources) -> int:
    return int(sources.period.slot.total_seconds())
