"""Conversations of the benchmark ``inbox``, created by SQL.

``python -m tests.benchmarks.inbox_data 1000000`` fills the migrated, empty PostgreSQL database of
``DATABASE_URL``. The first organization has half of the conversations. Each has two messages: one
word is in all of them, some in one of a thousand, and the number of the conversation in one only.
"""

import sys
from typing import Final

# isort: off
# ``dataset`` sets Django up.
from tests.benchmarks import dataset
from tests.benchmarks.dataset import EPOCH, multiply, object_id, without_indexes

from django.db import connection, models
from django.utils import timezone
from organizations.models import Organization, Stage, User
from webchats.conversations.models import Contact, Conversation, Message
from webchats.models import Webchat
# isort: on

ORGANIZATIONS: Final = 100
WEBCHATS_PER_ORGANIZATION: Final = 20
#: Of the messages. Each ends with a word that is in one of a thousand messages.
TEXT: Final = (
    "'Hello, where is my order ' || n || '? I wrote about the tent and the topic' || n % 1000"
)


_NOW: Final = timezone.now()


def fill(conversations: int) -> None:
    """Insert the rows of every model."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    dataset.fill(ORGANIZATIONS * WEBCHATS_PER_ORGANIZATION, ORGANIZATIONS)
    owner = f"(CASE WHEN n % 2 = 0 THEN 0 ELSE 1 + n / 2 % {ORGANIZATIONS - 1} END)"
    organization = object_id(Organization, owner)
    webchat = object_id(
        Webchat, f"({owner} + {ORGANIZATIONS} * (n / 7 % {WEBCHATS_PER_ORGANIZATION}))"
    )
    moment = f"to_timestamp({EPOCH} + 60 * n)"
    stages = dataset.PIPELINES * dataset.STAGES
    stage = f"({owner} * {stages} + n / 11 % {stages})"
    row: Contact | Conversation | Message = Contact(first_seen_at=_NOW, last_seen_at=_NOW)
    _insert(
        row,
        conversations,
        organization_id=organization,
        webchat_id=webchat,
        name="'Visitor ' || n",
        email="'visitor' || n || '@example.com'",
        pipeline_id=object_id(dataset.Pipeline, f"{stage} / {dataset.STAGES}"),
        stage_id=object_id(Stage, stage),
        first_seen_at=moment,
        last_seen_at=moment,
    )
    is_open = "(n % 20 = 0 OR n % 21 = 0)"
    is_rated = f"(NOT {is_open} AND n % 4 = 0)"
    handler = "(ARRAY['ai', 'waiting', 'rep'])[1 + n / 20 % 3]"
    row = Conversation(visitor_id="x", last_message_at=_NOW, last_message_author="visitor")
    _insert(
        row,
        conversations,
        organization_id=organization,
        webchat_id=webchat,
        contact_id=object_id(Contact, "n"),
        visitor_id="lpad(to_hex(n), 32, '0')",
        state=f"CASE WHEN {is_open} THEN 'open' ELSE 'closed' END",
        handler=handler,
        assignee_id=f"CASE WHEN n / 20 % 3 = 2 THEN {object_id(User, owner)} END",
        last_sequence="2",
        organization_read_sequence="CASE WHEN n % 30 = 0 THEN 1 ELSE 2 END",
        last_message_at=moment,
        first_reply_at="NULL",
        waiting_since=f"CASE WHEN {is_open} AND {handler} = 'waiting' THEN {moment} END",
        closed_at=f"CASE WHEN NOT {is_open} THEN {moment} END",
        last_message_preview=TEXT,
        rating_score=f"CASE WHEN {is_rated} THEN 1 + n / 4 % 5 END",
        rating_comment=f"CASE WHEN {is_rated} THEN 'Quick help' ELSE '' END",
        rated_at=f"CASE WHEN {is_rated} THEN {moment} END",
    )
    row = Message(author="visitor", sequence=1, text="x")
    _insert(
        row,
        2 * conversations,
        id=object_id(Message, "n"),
        conversation_id=object_id(Conversation, "(n / 2)"),
        organization_id=organization.replace("n / 2", "n / 4").replace("n % 2", "n / 2 % 2"),
        sequence="1 + n % 2",
        text=TEXT,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def _insert(row: models.Model, count: int, **columns: str) -> None:
    with without_indexes(row._meta.db_table):
        multiply(row, count, **columns)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
