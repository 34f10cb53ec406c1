"""Conversations of the benchmark ``reports``, created by SQL.

``python -m tests.benchmarks.reports_data 1000000`` fills the migrated, empty PostgreSQL database of
``DATABASE_URL`` with conversations over a year, and as many calls of a model: of 20 organizations,
the first of which has half of them. With ``--organizations 1`` it has all.
"""

import argparse
import re
from typing import Final

# isort: off
# ``dataset`` sets Django up.
from tests.benchmarks import dataset
from tests.benchmarks.dataset import EPOCH, multiply, object_id, without_indexes

from django.db import connection, models
from django.utils import timezone
from organizations.models import AiUsage, Organization, Prompt, User
from webchats.conversations.models import Contact, Conversation
from webchats.models import Webchat
# isort: on

ORGANIZATIONS: Final = 20
#: Of an organization.
WEBCHATS: Final = 20
#: Of the first organization. The others have one.
REPS: Final = 50
CONTACTS: Final = 1_000
#: Stands for SQL with the number of a conversation's organization.
OWNER: Final = "owner"
PREVIEW: Final = "'Thank you! And can the order be sent to another address? It is number ' || n"
_YEAR: Final = 365 * 24 * 3_600
_NOW: Final = timezone.now()


def fill(conversations: int, organizations: int = ORGANIZATIONS) -> None:
    """Insert the rows of every model."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        # VACUUM waits for the background process that analyzes tables.
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT setseed(0.5)")
    dataset.fill(WEBCHATS * organizations, organizations)
    owner = "0" if organizations == 1 else f"(n % 2 * (1 + n / 2 % {organizations - 1}))"
    row: models.Model = Contact(first_seen_at=_NOW, last_seen_at=_NOW, name="Visitor")
    multiply(row, CONTACTS, organization_id=object_id(Organization, "0"))
    row = Conversation(
        visitor_id="x", last_message_at=_NOW, last_message_author="visitor", state="closed"
    )
    _insert(row, conversations, **_rows(conversations, owner, organizations))
    _insert(_call(), conversations, **_usage(conversations, owner))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def _call() -> AiUsage:
    return AiUsage(
        provider_name="Model",
        model="small",
        purpose="reply",
        estimate=900,
        expires_at=_NOW,
        first_token_ms=400,
        total_ms=900,
    )


def _usage(count: int, owner: str) -> dict[str, str]:
    return {
        "organization_id": object_id(Organization, owner),
        "prompt_id": object_id(Prompt, f"({owner} * {dataset.PROMPTS} + n / 3 % 10)"),
        "prompt_version": "1 + n / 90000 % 5",
        "input_tokens": "800 + n % 100",
        "output_tokens": "n % 90",
        "cost": "0.0012",
        "created_at": _moment(count),
        "settled_at": _moment(count),
    }


def _moment(count: int) -> str:
    return f"to_timestamp({EPOCH} + n * ({_YEAR}.0 / {count}))"


def _rows(count: int, owner: str, organizations: int) -> dict[str, str]:
    moment = _moment(count)
    return {
        "organization_id": object_id(Organization, owner),
        "webchat_id": object_id(Webchat, f"({owner} + {organizations} * (n / 7 % {WEBCHATS}))"),
        "contact_id": object_id(Contact, f"(n % {CONTACTS})"),
        "visitor_id": "lpad(to_hex(n), 32, '0')",
        "first_message_at": moment,
        "first_reply_at": moment,
        "waiting_since": "NULL",
        "last_message_preview": PREVIEW,
        "last_message_at": f"{moment} + interval '9 minutes'",
        "closed_at": f"{moment} + interval '10 minutes'",
        "closed_by": "'visitor'",
        "handed_over_at": f"CASE WHEN n / 2 % 10 = 3 THEN {moment} END",
        "rated_at": f"CASE WHEN n / 2 % 4 = 0 THEN {moment} END",
        # Half of the numbers, because the first organization has the even ones.
        **{
            name: re.sub(r"\bn\b", "(n / 2)", sql).replace(OWNER, owner)
            for name, sql in _facts(organizations).items()
        },
    }


def _facts(organizations: int) -> dict[str, str]:
    rep = f"(CASE WHEN {OWNER} = 0 THEN {organizations} + n / 10 % {REPS} ELSE {OWNER} END)"
    prompt = f"({OWNER} * {dataset.PROMPTS} + n / 3 % 10)"
    has_ai, handed_over, has_rep = "(n % 10 < 7)", "(n % 10 = 3)", "(n % 10 IN (3, 8, 9))"
    return {
        "reply_seconds": f"CASE WHEN n % 25 > 0 THEN {_seconds(1, 3)} END",
        "wait_count": "1 + n % 5",
        "wait_seconds": "40 + n % 100",
        "longest_wait_seconds": _seconds(1, 3.5),
        "had_ai": has_ai,
        "ai_wrote": has_ai,
        "rep_wrote": has_rep,
        "asked_for_person": "n % 20 = 3",
        "rep_reply_seconds": f"CASE WHEN {handed_over} THEN {_seconds(1, 3.5)} END",
        "answered_by_id": f"CASE WHEN {has_rep} THEN {object_id(User, rep)} END",
        "ai_prompt_id": f"CASE WHEN {has_ai} THEN {object_id(Prompt, prompt)} END",
        "ai_prompt_version": f"CASE WHEN {has_ai} THEN 1 + n / 50000 % 5 ELSE 0 END",
        "drafts_sent": "(n % 30 = 1)::int",
        "drafts_edited": "(n % 90 = 2)::int",
        "edited_words": "(n % 90 = 2)::int * 40",
        "changed_words": "(n % 90 = 2)::int * 7",
        "resolution_seconds": _seconds(2, 5),
        "reopen_count": "(n % 40 = 0)::int",
        "is_surveyed": "true",
        "rating_score": "CASE WHEN n % 4 = 0 THEN 1 + (n / 4 % 5) END",
    }


def _seconds(low: float, high: float) -> str:
    """Return SQL for random durations of 10 to the power of ``low`` to ``high`` seconds."""
    seconds = f"(10 ^ ({low} + random() * {high - low}))::int"
    rounded = "s - CASE WHEN s < 3600 THEN 0 ELSE s % 60 END"
    return f"(SELECT {rounded} FROM (SELECT {seconds} + n * 0 AS s) x)"


def _insert(row: models.Model, count: int, **columns: str) -> None:
    with without_indexes(row._meta.db_table):
        multiply(row, count, **columns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("conversations", type=int)
    parser.add_argument("--organizations", type=int, default=ORGANIZATIONS)
    fill(**vars(parser.parse_args()))
