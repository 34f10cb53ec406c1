"""Conversations with the facts that reports are made from, as their actions would write them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from organizations.models import Prompt, User
from tests.support import factories
from webchats.conversations.models import Contact, Conversation
from webchats.models import Webchat


def create_conversations(
    webchats: Sequence[Webchat],
    reps: Sequence[User],
    prompt: Prompt,
    *,
    first: datetime,
    days: int,
    count: int,
    seed: int = 1,
) -> list[Conversation]:
    """Create ``count`` conversations that begin in ``days`` days from ``first`` on.

    With the same seed they are the same. Most begin in the daytime of workdays.
    """
    random = Random(seed)
    contacts = {
        webchat.pk: factories.ContactFactory.create(webchat=webchat, name="Ada <b>")
        for webchat in webchats
    }
    rows = []
    for number in range(count):
        start = _choose_start(random, first, days)
        webchat = random.choices(webchats, range(len(webchats), 0, -1))[0]
        rows.append(
            Conversation(
                visitor_id=f"{seed:016x}{number:016x}",
                **_make_facts(random, start, reps, prompt),
                **_place(webchat, contacts[webchat.pk]),
            )
        )
    return Conversation.objects.bulk_create(rows)


def _choose_start(random: Random, first: datetime, days: int) -> datetime:
    while True:
        start = first + timedelta(days=random.randrange(days), seconds=random.randrange(86_400))
        quiet = 0.15 if start.weekday() > 4 or not 7 <= start.hour < 19 else 1
        if random.random() < quiet:
            return start


def _place(webchat: Webchat, contact: Contact) -> dict[str, Any]:
    return {"webchat": webchat, "contact": contact, "organization_id": webchat.organization_id}


def _make_facts(
    random: Random, start: datetime, reps: Sequence[User], prompt: Prompt
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "first_message_at": start,
        "last_message_at": start + timedelta(minutes=random.randint(2, 90)),
        "last_message_author": "visitor",
        "last_message_preview": "Is it in stock?",
        "had_ai": (had_ai := random.random() < 0.8),
    }
    if had_ai:
        facts |= {"ai_wrote": True, "ai_prompt": prompt, "ai_prompt_version": random.randint(1, 2)}
        if random.random() < 0.3:
            facts |= {"handed_over_at": start, "asked_for_person": random.random() < 0.5}
        facts |= {"drafts_sent": random.randint(0, 2), "drafts_edited": random.randint(0, 1)}
        facts |= {"edited_words": 20, "changed_words": 3}
    if facts.get("handed_over_at") or (not had_ai and random.random() < 0.8):
        facts |= {"rep_wrote": True, "answered_by": random.choice(reps)}
    if had_ai or facts.get("rep_wrote"):
        wait = random.randint(4, 12) if had_ai else random.randint(60, 3_000)
        facts |= {"reply_seconds": wait, "wait_count": 2, "wait_seconds": 2 * wait}
        facts |= {"longest_wait_seconds": wait}
    else:
        facts["unanswered_since"] = start
    if random.random() < 0.7:
        facts |= {"state": "closed", "closed_by": "rep", "closed_at": facts["last_message_at"]}
        facts |= {"resolution_seconds": random.randint(120, 9_000), "is_surveyed": True}
        facts["reopen_count"] = int(random.random() < 0.1)
        if random.random() < 0.5:
            score = random.choice((1, 3, 4, 4, 5, 5, 5))
            facts |= {"rating_score": score, "rated_at": facts["last_message_at"]}
    return facts
