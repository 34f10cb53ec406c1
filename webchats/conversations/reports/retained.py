"""The facts of conversations that are deleted."""

from django.db import connections
from django.db.models import QuerySet
from django.db.models.functions import MD5, Now, Substr

from webchats.conversations.models import Conversation, RetainedConversation
from webchats.conversations.models.facts import FACTS


def retain(conversations: QuerySet[Conversation]) -> int:
    """Store the facts of these conversations, which the caller deletes in the same transaction.

    Return their number. Those without a message of the visitor are in no report.
    """
    names = ("organization_id", "webchat_id", *FACTS)
    # A stable id that does not reveal the id of the conversation.
    facts = (
        conversations.filter(first_message_at__isnull=False)
        .order_by()
        .annotate(new_id=Substr(MD5("pk"), 1, 24), now=Now())
        .values_list("new_id", "now", "now", *names)
    )
    connection = connections[conversations.db]
    meta = RetainedConversation._meta
    # The attributes are named as their columns.
    columns = (
        connection.ops.quote_name(name) for name in ("id", "created_at", "updated_at", *names)
    )
    sql, parameters = facts.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {connection.ops.quote_name(meta.db_table)} ({', '.join(columns)}) {sql}",
            parameters,
        )
        inserted: int = cursor.rowcount
        return inserted
