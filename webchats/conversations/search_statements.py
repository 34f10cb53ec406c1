"""The statements of the search on PostgreSQL, which combine queries as the ORM cannot.

They find the conversations that the ORM would find, but PostgreSQL reads no more of them than a
page needs, and only their positions come back. See "Growth" in ``docs/performance.md``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.expressions import RawSQL

from webchats.conversations.models import Conversation

#: The time of the last message of a conversation, and its id.
Position: TypeAlias = tuple[datetime, str]
NEWEST_FIRST: Final = ("-last_message_at", "-pk")
# Any: the values of a query.
_Ids: TypeAlias = "QuerySet[Any, Any]"


class Hits(NamedTuple):
    """The conversations that indexes have found."""

    newest: set[Position]
    #: How many ids each index has returned, at most.
    read: int = 0
    #: Whether there are more conversations than ``find_newest`` has tested.
    has_older: bool = False


def find_newest(
    conversations: QuerySet[Conversation], condition: Q, among: int, count: int | None
) -> set[Position]:
    """Return the newest conversations that meet the condition, at most ``count``.

    The newest ``among`` are tested, one after the other until there are ``count``.
    """
    tested = conversations.order_by(*NEWEST_FIRST)
    # A column: as a condition, it would be tested until ``among`` conversations meet it.
    tested = tested.annotate(is_found=ExpressionWrapper(condition, BooleanField()))
    rows = _read(
        "SELECT moment, id FROM ({}) newest (moment, id, is_found) WHERE is_found "
        "ORDER BY moment DESC, id DESC LIMIT %s",
        [tested.values_list("last_message_at", "pk", "is_found")[:among]],
        among if count is None else count,
    )
    return set(rows)


def find_hits(
    conversations: QuerySet[Conversation],
    hits: tuple[_Ids, _Ids],
    tested: int,
    count: int | None,
) -> Hits:
    """Return the newest of the conversations whose ids the indexes return, at most ``count``.

    ``hits`` are the ids of contacts and of messages. ``find_newest`` has tested ``tested``.
    """
    # The planner would not expect few of them, and would read every conversation.
    ids = RawSQL("SELECT id FROM of_contacts UNION ALL SELECT id FROM of_messages", ())
    # An expression: it would search for the ids in the index of conversations, newest first.
    found = conversations.filter(pk__in=ids).order_by(
        (F("last_message_at") + timedelta()).desc(), "-pk"
    )
    rows = _read(
        "WITH of_contacts (id) AS MATERIALIZED ({}), of_messages (id) AS MATERIALIZED ({}) "
        "SELECT GREATEST((SELECT COUNT(*) FROM of_contacts), (SELECT COUNT(*) FROM of_messages)), "
        "EXISTS({}), moment, id FROM (SELECT 1) one LEFT JOIN ({}) found (moment, id) ON TRUE",
        [
            *hits,
            conversations.order_by(*NEWEST_FIRST).values("pk")[tested : tested + 1],
            found.values_list("last_message_at", "pk")[:count],
        ],
    )
    newest = {(moment, pk) for _, _, moment, pk in rows if pk is not None}
    return Hits(newest, *rows[0][:2]) if rows else Hits(newest)


def _read(template: str, querysets: Iterable[_Ids], *values: int) -> list[Any]:
    """Return the rows of a statement. Each ``{}`` in the template is one of the queries."""
    try:
        queries = [queryset.query.sql_with_params() for queryset in querysets]
    except EmptyResultSet:  # Of the conversations: those of the indexes have no such condition.
        return []
    parameters = [value for _, of_query in queries for value in of_query]
    with connection.cursor() as cursor:
        cursor.execute(template.format(*(sql for sql, _ in queries)), [*parameters, *values])
        rows: list[Any] = cursor.fetchall()
    return rows
