"""Facts that the services write, compared with a recount from messages and drafts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organizations.models import User
from tests.support import factories
from tests.support.ai_webchats import create_ai_webchat
from webchat_project.api.object_ids import new_object_id
from webchats.conversations import services
from webchats.conversations.durations import measure
from webchats.conversations.errors import ConversationConflict
from webchats.conversations.models import Conversation, Draft, Message
from webchats.conversations.reports import Period, load_report
from webchats.models import Webchat

pytestmark = [pytest.mark.django_db, pytest.mark.database]

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = date(2030, 1, 1)
TEXT = "We deliver within three days."


@dataclass
class Talk:
    """Visitors, representatives and the AI of one webchat, whose actions are random."""

    webchat: Webchat
    reps: list[User]

    def visit(self, number: int) -> None:
        services.send_visitor_message(
            webchat=self.webchat,
            visitor_id=f"{number % 4:032x}",
            text="When?",
            client_key=new_object_id(),
        )

    def pick(self, number: int) -> Conversation | None:
        rows = list(Conversation.objects.order_by("visitor_id", "pk"))
        return rows[number % len(rows)] if rows else None

    def draft(self, conversation: Conversation, number: int) -> None:
        """Store what the AI has answered."""
        if conversation.handler != "ai" or conversation.state != "open":
            return
        if not conversation.drafts.pending().exists():
            factories.DraftFactory.create(conversation=conversation, text=TEXT)

    def decide(self, conversation: Conversation, number: int) -> None:
        draft = conversation.drafts.pending().first()
        if draft is None:
            return
        chosen: dict[str, Any] = {"draft": draft, "user": self.reps[0], "version": draft.version}
        if number % 3 == 0:
            services.reject_draft(**chosen, reason="tone")
        else:
            text = "We deliver in two days." if number % 3 == 1 else None
            services.approve_draft(**chosen, text=text)

    def answer(self, conversation: Conversation, number: int) -> None:
        services.send_rep_message(
            conversation=conversation,
            user=self.reps[number % 2],
            text="Now",
            client_key=new_object_id(),
        )

    def ask(self, conversation: Conversation, number: int) -> None:
        services.ask_for_person(conversation=conversation)

    def give_back(self, conversation: Conversation, number: int) -> None:
        services.give_back(conversation=conversation, user=self.reps[0])

    def take_over(self, conversation: Conversation, number: int) -> None:
        services.take_over(conversation=conversation, user=self.reps[number % 2])

    def close(self, conversation: Conversation, number: int) -> None:
        services.close(conversation=conversation)

    def reopen(self, conversation: Conversation, number: int) -> None:
        services.reopen(conversation=conversation, user=self.reps[number % 2])

    def rate(self, conversation: Conversation, number: int) -> None:
        services.rate(conversation=conversation, score=1 + number % 5)


ACTIONS: list[Callable[[Talk, Conversation, int], None]] = [
    *(Talk.draft, Talk.decide, Talk.answer, Talk.answer, Talk.ask, Talk.give_back),
    *(Talk.take_over, Talk.close, Talk.close, Talk.reopen, Talk.rate),
]


def recount(conversation: Conversation) -> dict[str, Any]:
    """Return the facts of a conversation that its messages and drafts prove."""
    messages = list(Message.objects.filter(conversation=conversation).order_by("sequence"))
    times = {
        event: [row.created_at for row in messages if row.event == event]
        for event in ("handed_over", "closed", "reopened")
    }
    texts = [row for row in messages if not row.event]
    first = texts[0].created_at
    answers = [row for row in texts if row.author != "visitor"]
    waits, since = [], None
    for row in texts:
        if row.author == "visitor":
            since = since or row.created_at
        elif since is not None:
            waits.append((since, row.created_at))
            since = None
    handed_over = times["handed_over"][0] if times["handed_over"] else None
    by_rep = [row for row in answers if row.author == "rep"]
    # Messages at the same time as the hand-over: the sequence decides.
    after = [row for row in by_rep if handed_over and row.created_at >= handed_over]
    drafts = Draft.objects.filter(conversation=conversation)
    states = Counter(
        "edited" if draft.is_edited else draft.state for draft in drafts.order_by("pk")
    )
    return {
        "first_message_at": first,
        "reply_seconds": measure(first, answers[0].created_at) if answers else None,
        "wait_count": len(waits),
        "wait_seconds": sum(int((end - start).total_seconds()) for start, end in waits),
        "longest_wait_seconds": max((measure(*wait) for wait in waits), default=None),
        "unanswered_since": since,
        "ai_wrote": any(row.author == "ai" for row in answers),
        "rep_wrote": bool(by_rep),
        "answered_by_id": by_rep[-1].user_id if by_rep else None,
        "handed_over_at": handed_over,
        "rep_reply_seconds": (
            measure(handed_over, after[0].created_at) if handed_over and after else None
        ),
        "reopen_count": len(times["reopened"]),
        "resolution_seconds": (
            measure(first, times["closed"][-1]) if conversation.state == "closed" else None
        ),
        "is_surveyed": bool(times["closed"]),
        "drafts_sent": states["sent"],
        "drafts_edited": states["edited"],
        "drafts_rejected": states["rejected"],
        "drafts_superseded": states["superseded"],
        "edited_words": 5 * states["edited"],
        "changed_words": 2 * states["edited"],
    }


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, len(ACTIONS) + 2), st.integers(0, 99), st.integers(1, 9_000)),
        min_size=25,
        max_size=40,
    )
)
def test_facts_match_messages_and_drafts(steps: list[tuple[int, int, int]]) -> None:
    admin = factories.UserFactory.create()
    assert admin.organization is not None
    rep = factories.UserFactory.create(organization=admin.organization)
    talk = Talk(create_ai_webchat(admin, is_autopilot=False), [admin, rep])
    Conversation.objects.all().delete()
    with time_machine.travel(START, tick=False) as clock:
        talk.visit(0)
        for action, number, seconds in steps:
            clock.shift(seconds)
            conversation = talk.pick(number)
            if action >= len(ACTIONS) or conversation is None:
                talk.visit(number)
                continue
            try:
                ACTIONS[action](talk, conversation, number)
            except ConversationConflict:
                continue
        rows = list(Conversation.objects.all())
        for row in rows:
            expected = recount(row)
            assert {name: getattr(row, name) for name in expected} == expected
        # All conversations, which begin within at most 40 times 9,000 seconds.
        report = load_report(admin.organization, Period(DAY, DAY + timedelta(days=5), UTC))
    assert report.conversations == len(rows)
    assert report.ratings.rated == sum(row.rating_score is not None for row in rows)
