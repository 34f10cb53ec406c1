"""Conversations of the benchmark ``inbox``, created by SQL.

``python -m tests.benchmarks.inbox_data 1000000`` fills the migrated, empty PostgreSQL database of
``DATABASE_URL``, and prints its steps with their times. The first of 20 organizations has half of
the conversations. Each has three to eight messages, five on average, of up to 48 words with the
frequencies of a language. The first message of each also has the number of its order, which no
other one has, and a code that is in ``OF_ONE_CODE`` conversations, however many there are.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

# isort: off
# ``dataset`` sets Django up.
from tests.benchmarks import dataset
from tests.benchmarks.dataset import (
    EPOCH,
    multiply,
    object_id,
    without_foreign_keys,
    without_indexes,
)
from tests.benchmarks.inbox_texts import OF_ONE_CODE, OF_ONE_MODEL, PARTS, create_parts, part

from django.db import connection, models
from django.utils import timezone
from organizations.models import Organization, Stage, User
from webchats.conversations.models import Contact, Conversation, Draft, Message, Reply
from webchats.conversations.states import ReplyState
from webchats.models import Webchat
# isort: on

ORGANIZATIONS: Final = 20
WEBCHATS_PER_ORGANIZATION: Final = 10
#: The messages of ten conversations of an organization: 50.
LENGTHS: Final = (3, 6, 5, 8, 4, 3, 7, 5, 4, 5)
_NOW: Final = timezone.now()
_STAGES: Final = dataset.PIPELINES * dataset.STAGES


def fill(conversations: int) -> None:
    """Insert the rows of every model. ``conversations`` is a multiple of 40."""
    with _step("organizations and webchats"):
        dataset.fill(ORGANIZATIONS * WEBCHATS_PER_ORGANIZATION, ORGANIZATIONS)
    # The index of words takes as long as all the rest.
    with ThreadPoolExecutor() as executor, without_foreign_keys(Message._meta.db_table):
        steps = [
            executor.submit(step, conversations) for step in (_fill_conversations, _fill_messages)
        ]
        for step in steps:
            step.result()
    with _step("statistics"), connection.cursor() as cursor:
        # VACUUM waits for the background process that analyzes tables.
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def _fill_conversations(count: int) -> None:
    row: models.Model = Contact(name="Visitor", first_seen_at=_NOW, last_seen_at=_NOW)
    _insert(row, count, **_contacts())
    row = Conversation(visitor_id="x", last_message_at=_NOW, last_message_author="visitor")
    _insert(row, count, **_conversations())
    drafts = count // 24 * 2
    row = Reply(state=ReplyState.DRAFTED, is_draft=True, based_on_sequence=1, model="small")
    _insert(row, drafts, **_drafts())
    columns = _drafts()
    # Those of the newest conversations wait for a decision.
    is_pending = f"{_WITH_DRAFT} >= {count - 1_000}"
    _insert(
        Draft(based_on_sequence=1, text="x"),
        drafts,
        organization_id=object_id(Organization, _owner(_WITH_DRAFT)),
        reply_id=object_id(Reply, "n"),
        state=f"CASE WHEN {is_pending} THEN 'pending' ELSE 'sent' END",
        sent_text=f"CASE WHEN {is_pending} THEN '' ELSE {columns['text']} END",
        **columns,
    )


def _fill_messages(conversations: int) -> None:
    create_parts()
    messages = conversations // len(LENGTHS) * sum(LENGTHS)
    row = Message(author="visitor", sequence=1, text="x")
    _insert(row, messages, **_messages(conversations))


def _owner(number: str) -> str:
    """Return SQL for the number of a conversation's organization."""
    return f"(CASE WHEN {number} % 2 = 0 THEN 0 ELSE 1 + {number} / 2 % {ORGANIZATIONS - 1} END)"


def _webchat() -> str:
    nth = f"(n / 14 % {WEBCHATS_PER_ORGANIZATION})"
    return object_id(Webchat, f"({_owner('n')} + {ORGANIZATIONS} * {nth})")


def _contacts() -> dict[str, str]:
    moment = f"to_timestamp({EPOCH} + 60 * n)"
    stage = f"({_owner('n')} * {_STAGES} + n / 22 % {_STAGES})"
    return {
        "organization_id": object_id(Organization, _owner("n")),
        "webchat_id": _webchat(),
        "name": "'Visitor ' || n",
        "email": "'visitor' || n || '@example.com'",
        "pipeline_id": object_id(dataset.Pipeline, f"{stage} / {dataset.STAGES}"),
        "stage_id": object_id(Stage, stage),
        "first_seen_at": moment,
        "last_seen_at": moment,
    }


def _conversations() -> dict[str, str]:
    # Of the first organization and of the others, the same numbers have the same state.
    length = f"(ARRAY{[*LENGTHS]})[1 + n / 2 % {len(LENGTHS)}]"
    moment = f"to_timestamp({EPOCH} + 60 * n + 10 * {length})"
    is_open, is_rated = "(n / 2 % 4 = 0)", "(n / 2 % 4 = 2)"
    handler = _handler("n")
    rep = f"(CASE WHEN n % 16 = 0 THEN {ORGANIZATIONS} + n / 16 % 50 ELSE {_owner('n')} END)"
    return {
        "organization_id": object_id(Organization, _owner("n")),
        "webchat_id": _webchat(),
        "contact_id": object_id(Contact, "n"),
        "visitor_id": "lpad(to_hex(n), 32, '0')",
        "state": f"CASE WHEN {is_open} THEN 'open' ELSE 'closed' END",
        "handler": handler,
        "assignee_id": f"CASE {handler} WHEN 'rep' THEN {object_id(User, rep)} END",
        "last_sequence": length,
        "organization_read_sequence": f"{length} - (n / 6 % 8 = 0)::int",
        "last_message_at": moment,
        "last_message_author": f"CASE WHEN {length} % 2 = 1 THEN 'visitor' ELSE 'rep' END",
        "last_message_preview": "'Thank you! And can order ' || n || ' be sent to my home?'",
        "first_reply_at": "NULL",
        "waiting_since": f"CASE WHEN {is_open} AND {handler} = 'waiting' THEN {moment} END",
        "closed_at": f"CASE WHEN NOT {is_open} THEN {moment} END",
        "rating_score": f"CASE WHEN {is_rated} THEN 1 + n / 8 % 5 END",
        "rating_comment": f"CASE WHEN {is_rated} THEN 'Quick help' ELSE '' END",
        "rated_at": f"CASE WHEN {is_rated} THEN {moment} END",
    }


def _handler(number: str) -> str:
    return f"(ARRAY['ai', 'waiting', 'rep'])[1 + {number} / 8 % 3]"


#: SQL for the number of a draft's conversation, one of twelve: open, and answered by the AI.
_WITH_DRAFT: Final = "(n / 2 * 24 + n % 2)"


def _drafts() -> dict[str, str]:
    return {
        "conversation_id": object_id(Conversation, _WITH_DRAFT),
        "text": "'The parcel with order ' || n || ' left our store yesterday.'",
        "created_at": f"to_timestamp({EPOCH} + 60 * {_WITH_DRAFT})",
    }


def _messages(conversations: int) -> dict[str, str]:
    """Return the columns of messages. Twenty conversations have the next hundred of them."""
    block = [
        (2 * nth + half, position)
        for nth, length in enumerate(LENGTHS)
        for half in (0, 1)
        for position in range(1, length + 1)
    ]
    offset, sequence = (
        f"(ARRAY{[*column]})[1 + n % {len(block)}]" for column in zip(*block, strict=True)
    )
    number = f"(n / {len(block)} * {2 * len(LENGTHS)} + {offset})"
    order = f"'. My order is ' || lpad({number}::text, 8, '0')"
    code, model = (
        f"lpad(({number} % {conversations // of_one})::text, 6, '0')"
        for of_one in (OF_ONE_CODE, OF_ONE_MODEL)
    )
    first = f"{order} || ', the code k' || {code} || ', of model m' || {model}"
    author = f"CASE {_handler(number)} WHEN 'ai' THEN 'ai' ELSE 'rep' END"
    moment = f"to_timestamp({EPOCH} + 60 * {number} + 10 * {sequence})"
    return {
        "conversation_id": object_id(Conversation, number),
        "organization_id": object_id(Organization, _owner(number)),
        "sequence": sequence,
        "author": f"CASE WHEN {sequence} % 2 = 1 THEN 'visitor' ELSE {author} END",
        "text": (
            f"{part('n::bigint * 7919')} || '. ' || {part(f'n::bigint * 31 + n / {PARTS} * 777')}"
            f" || CASE WHEN {sequence} = 1 THEN {first} ELSE '' END"
        ),
        "created_at": moment,
    }


@contextmanager
def _step(title: str) -> Iterator[None]:
    """Print the step, and its time at the end of the block."""
    start = time.perf_counter()
    yield
    print(f"  {title}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def _insert(row: models.Model, count: int, **columns: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET lock_timeout = 0")
    title = f"{count:,} {row._meta.verbose_name_plural}"
    with _step(f"{title} with indexes"), without_indexes(row._meta.db_table), _step(title):
        multiply(row, count, **columns)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
