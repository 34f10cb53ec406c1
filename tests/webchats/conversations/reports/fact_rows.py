"""Generated rows of facts, and a recount of their figures without a database."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from organizations.models import Organization
from tests.support import factories
from webchats.conversations.models import Contact, Conversation, RetainedConversation
from webchats.models import Webchat

Row = RetainedConversation | Conversation

#: Clocks are set back on the third day in Europe/Berlin, and forward in 2030 on March 31.
START: Final = datetime(2030, 10, 25, 12, tzinfo=UTC)
_SPAN: Final = timedelta(days=4)


def create_rows(
    random: Random, webchats: list[Webchat], prompts: list[Any], count: int
) -> list[Row]:
    """Store conversations with random facts, of which half have been deleted."""
    organization = webchats[0].organization
    contact = factories.ContactFactory.create(webchat=webchats[0])
    users = [webchat.user for webchat in webchats]
    stored, retained = [], []
    for number in range(count):
        facts = _facts(random, [None, *users], [None, *prompts])
        facts |= {"organization": organization, "webchat": random.choice([None, *webchats])}
        if random.random() < 0.5:
            retained.append(RetainedConversation(**facts))
        else:
            stored.append(_conversation(number, contact, facts))
    Conversation.objects.bulk_create(stored)
    RetainedConversation.objects.bulk_create(retained)
    return [*stored, *retained]


def _conversation(number: int, contact: Contact, facts: dict[str, Any]) -> Conversation:
    return Conversation(
        contact=contact,
        visitor_id=f"{number:032x}",
        last_message_author="visitor",
        state="closed",
        rated_at=START if facts["rating_score"] else None,
        **facts,
    )


def _facts(random: Random, users: list[Any], prompts: list[Any]) -> dict[str, Any]:
    first = START + random.random() * _SPAN
    prompt = random.choice(prompts)
    ai, rep = random.random() < 0.7, random.random() < 0.4
    asked = ai and random.random() < 0.2
    handed_over = asked or (ai and random.random() < 0.2)
    waits = random.randrange(4)

    def maybe(seconds: int) -> int | None:
        return random.choice([None, random.randrange(seconds), 5])

    return {
        "first_message_at": first,
        "last_message_at": first + random.random() * timedelta(days=2),
        "reply_seconds": maybe(50),
        "unanswered_since": random.choice([None, first]),
        "wait_count": waits,
        "wait_seconds": waits * 7,
        "longest_wait_seconds": random.randrange(9) if waits else None,
        "had_ai": ai,
        "ai_wrote": ai and random.random() < 0.8,
        "rep_wrote": rep,
        "handed_over_at": first if handed_over else None,
        "asked_for_person": asked,
        "rep_reply_seconds": maybe(90) if handed_over else None,
        "answered_by": random.choice(users),
        "ai_prompt": prompt,
        "ai_prompt_version": random.randrange(1, 3) if prompt else 0,
        **{
            f"drafts_{name}": random.randrange(3)
            for name in ("sent", "edited", "rejected", "superseded")
        },
        "edited_words": random.randrange(50),
        "changed_words": random.randrange(9),
        "closed_at": first,
        "resolution_seconds": maybe(4_000),
        "reopen_count": random.choice([0, 0, 2]),
        "is_surveyed": random.random() < 0.8,
        "rating_score": random.choice([None, 1, 2, 3, 4, 5]),
    }


def percentile(values: list[int], percent: int) -> int | None:
    """Return the nearest rank of sorted values."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[rank - 1] if ordered else None


def recount(rows: list[Row], zone: Any, now: datetime) -> tuple[Counter[str], dict[str, list[int]]]:
    """Return the number of conversations by key, and the durations by column."""
    counts: Counter[str] = Counter()
    for row in rows:
        assert row.first_message_at is not None
        local = row.first_message_at.astimezone(zone)
        keys = [
            f"day={local.date()}",
            f"hour={local.isoweekday()}-{local.hour}",
            f"webchat={row.webchat_id or 'none'}",
            f"rep={row.answered_by_id or 'none'}",
            f"prompt={row.ai_prompt_id or 'none'}-{row.ai_prompt_version}",
            *(key for key, holds in _HOLDS.items() if holds(row)),
        ]
        is_ai_only = row.ai_wrote and not row.rep_wrote
        silent = now - row.last_message_at >= timedelta(hours=24)
        if is_ai_only and row.handed_over_at is None and silent:
            keys.append("ai_assumed")
        if row.rating_score is not None:
            keys.append(f"rating={row.rating_score}")
            if row.rep_wrote:
                keys.append(f"rating_with_rep={row.rating_score}")
            elif row.ai_wrote:
                keys.append(f"rating_ai_only={row.rating_score}")
        counts.update(keys)
    columns = ("reply_seconds", "rep_reply_seconds", "longest_wait_seconds", "resolution_seconds")
    durations = {
        column: [value for row in rows if (value := getattr(row, column)) is not None]
        for column in columns
    }
    return counts, durations


_HOLDS: Final[dict[str, Callable[[Any], bool]]] = {
    "conversations": lambda row: True,
    "first_reply": lambda row: row.reply_seconds is not None,
    "without_answer": lambda row: row.reply_seconds is None,
    "rep_reply": lambda row: row.rep_reply_seconds is not None,
    "without_rep_reply": lambda row: bool(row.handed_over_at) and row.rep_reply_seconds is None,
    "waits": lambda row: row.wait_count > 0,
    "unanswered": lambda row: row.unanswered_since is not None,
    "resolved": lambda row: row.resolution_seconds is not None,
    "unresolved": lambda row: row.resolution_seconds is None,
    "reopened": lambda row: row.reopen_count > 0,
    "with_ai": lambda row: row.had_ai,
    "ai_confirmed": lambda row: (
        row.ai_wrote
        and not row.rep_wrote
        and row.resolution_seconds is not None
        and (row.rating_score or 0) >= 4
    ),
    "handed_over": lambda row: row.handed_over_at is not None,
    "asked_for_person": lambda row: row.asked_for_person,
    "surveyed": lambda row: row.is_surveyed,
    "rated": lambda row: row.rating_score is not None,
}


def create_webchats(organization: Organization) -> list[Webchat]:
    """Create two webchats, whose users answer."""
    return [
        factories.WebchatFactory.create(user__organization=organization, name=name)
        for name in ("Shop", "Help")
    ]
