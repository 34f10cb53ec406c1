"""The facts that the actions on conversations write."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from organizations.models import User
from tests.support import factories
from tests.support.ai_webchats import create_ai_webchat
from webchat_project.api.object_ids import new_object_id
from webchats.conversations import services
from webchats.conversations.models import Conversation, Draft, RetainedConversation
from webchats.conversations.models.facts import FACTS
from webchats.conversations.reports import Period, load_report
from webchats.conversations.reports.retained import retain
from webchats.conversations.transitions import ClosedBy
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
VISITOR = "a" * 32


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def webchat(admin: User, clock: time_machine.Traveller) -> Webchat:
    """A webchat whose answers of the AI must be approved."""
    return create_ai_webchat(admin, is_autopilot=False)


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    return visit(webchat)


def visit(webchat: Webchat) -> Conversation:
    """Send a visitor's message."""
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id=VISITOR, text="When?", client_key=new_object_id()
    )
    return sent.message.conversation


def answer(conversation: Conversation, user: User) -> None:
    services.send_rep_message(
        conversation=conversation, user=user, text="Now", client_key=new_object_id()
    )


def get_facts(conversation: Conversation, *names: str) -> list[Any]:
    conversation.refresh_from_db()
    return [getattr(conversation, name) for name in names]


def test_waits_are_counted_from_the_first_unanswered_message(
    conversation: Conversation, webchat: Webchat, admin: User, clock: time_machine.Traveller
) -> None:
    clock.shift(10)
    visit(webchat)
    clock.shift(20)
    answer(conversation, admin)
    answer(conversation, admin)
    clock.shift(5)
    visit(webchat)
    clock.shift(7)
    answer(conversation, admin)
    names = ("wait_count", "wait_seconds", "longest_wait_seconds", "reply_seconds")
    assert get_facts(conversation, *names) == [2, 37, 30, 30]
    assert get_facts(conversation, "first_message_at", "unanswered_since") == [NOW, None]


def test_reply_of_a_rep_is_measured_from_the_hand_over(
    conversation: Conversation, admin: User, clock: time_machine.Traveller
) -> None:
    clock.shift(10)
    services.ask_for_person(conversation=conversation)
    clock.shift(7_299)
    answer(conversation, admin)
    clock.shift(60)
    answer(conversation, admin)
    assert get_facts(conversation, "handed_over_at") == [NOW + timedelta(seconds=10)]
    # From an hour on, in whole minutes.
    assert get_facts(conversation, "rep_reply_seconds", "asked_for_person") == [7_260, True]
    assert get_facts(conversation, "had_ai", "ai_wrote", "rep_wrote") == [True, False, True]
    assert get_facts(conversation, "answered_by") == [admin]


def test_a_reopened_conversation_is_resolved_when_it_is_closed_again(
    conversation: Conversation, webchat: Webchat, clock: time_machine.Traveller
) -> None:
    names = ("resolution_seconds", "reopen_count", "is_surveyed")
    clock.shift(5)
    services.close(conversation=conversation)
    assert get_facts(conversation, *names) == [5, 0, True]
    visit(webchat)
    assert get_facts(conversation, *names) == [None, 1, True]
    clock.shift(5)
    services.close(conversation=conversation, by=ClosedBy.SYSTEM)
    assert get_facts(conversation, *names) == [10, 1, True]


def test_decisions_about_drafts_are_counted(
    conversation: Conversation, webchat: Webchat, admin: User
) -> None:
    text = "We deliver within three days."
    for sent in (None, "We deliver in two days."):
        draft = factories.DraftFactory.create(conversation=conversation, text=text)
        services.approve_draft(draft=draft, user=admin, version=1, text=sent)
        visit(webchat)
    factories.DraftFactory.create(conversation=conversation)
    visit(webchat)
    draft = factories.DraftFactory.create(conversation=conversation)
    services.reject_draft(draft=draft, user=admin, version=1, reason="tone")
    names = ("drafts_sent", "drafts_edited", "drafts_rejected", "drafts_superseded")
    assert get_facts(conversation, *names) == [1, 1, 1, 1]
    assert get_facts(conversation, "edited_words", "changed_words") == [5, 2]
    assert get_facts(conversation, "ai_wrote", "rep_wrote") == [True, False]


def test_deletion_of_the_webchat_closes_and_supersedes(
    conversation: Conversation, webchat: Webchat, clock: time_machine.Traveller
) -> None:
    factories.DraftFactory.create(conversation=conversation)
    clock.shift(86_459)
    before = Conversation.objects.get().updated_at
    webchat.delete()
    assert Conversation.objects.get().updated_at > before
    names = ("resolution_seconds", "drafts_superseded", "is_surveyed")
    assert get_facts(conversation, *names) == [86_400, 1, False]
    assert Draft.objects.get().state == "superseded"


def test_facts_of_deleted_conversations_are_retained(
    conversation: Conversation, admin: User, clock: time_machine.Traveller
) -> None:
    answer(conversation, admin)
    services.close(conversation=conversation)
    services.rate(conversation=conversation, score=4)
    facts = Conversation.objects.values("organization_id", "webchat_id", *FACTS).get()
    assert retain(Conversation.objects.filter(pk=conversation.pk)) == 1
    retained = RetainedConversation.objects.get()
    assert {name: getattr(retained, name) for name in facts} == facts
    assert retained.pk != conversation.pk
    retained.full_clean()


def test_a_report_stays_the_same_after_a_deletion(
    conversation: Conversation, admin: User, clock: time_machine.Traveller
) -> None:
    assert admin.organization is not None
    period = Period(NOW.date(), NOW.date(), UTC)
    answer(conversation, admin)
    before = load_report(admin.organization, period)
    assert before.conversations == 1
    retain(Conversation.objects.filter(pk=conversation.pk))
    conversation.delete()
    after = load_report(admin.organization, period)
    assert after.retained == 1
    assert [
        (getattr(before, name), getattr(after, name))
        for name in before.__dataclass_fields__
        if getattr(before, name) != getattr(after, name)
    ] == [(0, 1)]
