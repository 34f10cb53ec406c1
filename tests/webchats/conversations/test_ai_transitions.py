"""The AI as the handler: start, hand-over, give back, and what ends its replies."""

from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connection

from organizations.models import AiProvider, User
from organizations.models.job import Job
from tests.support import factories
from tests.support.ai_webchats import create_ai_webchat
from webchats.conversations import services
from webchats.conversations.errors import AiUnavailable, ConversationClosed
from webchats.conversations.models import Conversation, Draft, Message, Reply
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def webchat(admin: User) -> Webchat:
    """A webchat that the AI answers, with autopilot."""
    return create_ai_webchat(admin)


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """A conversation whose visitor has asked the AI."""
    return send(webchat)


def send(webchat: Webchat, text: str = "Hello", **options: Any) -> Conversation:
    key = f"key-{Message.objects.count()}"
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id="a" * 32, text=text, client_key=key, **options
    )
    return sent.message.conversation


def get_events(conversation: Conversation) -> list[str]:
    rows = Message.objects.filter(conversation=conversation, kind="event").order_by("sequence")
    return [row.event for row in rows]


def running(conversation: Conversation, **values: Any) -> Reply:
    return factories.ReplyFactory.create(conversation=conversation, **values)


def pending(conversation: Conversation, **values: Any) -> Draft:
    return factories.DraftFactory.create(conversation=conversation, **values)


# --- Start ---


@pytest.mark.parametrize("is_autopilot", [True, False])
def test_the_ai_answers_with_an_active_prompt_and_a_provider(
    admin: User, is_autopilot: bool
) -> None:
    conversation = send(create_ai_webchat(admin, is_autopilot=is_autopilot))
    assert conversation.handler == "ai"
    job = Job.objects.get(kind="reply")
    assert (job.key, job.organization_id) == (conversation.pk, admin.organization_id)


def test_a_person_answers_without_a_usable_provider(webchat: Webchat) -> None:
    AiProvider.objects.update(default_model="")
    assert send(Webchat.objects.get(pk=webchat.pk)).handler == "waiting"
    assert not Job.objects.exists()


def test_a_person_answers_with_an_inactive_prompt(webchat: Webchat) -> None:
    webchat.prompt.is_active = False
    assert send(webchat).handler == "waiting"


def test_messages_in_a_row_request_one_job(webchat: Webchat) -> None:
    for _ in range(3):
        send(webchat)
    assert Job.objects.get().requested == 3


def test_a_conversation_whose_prompt_was_deactivated_waits_from_the_next_message(
    webchat: Webchat, conversation: Conversation
) -> None:
    webchat.prompt.is_active = False
    webchat.prompt.save()
    conversation.refresh_from_db()
    assert conversation.handler == "ai"
    assert send(webchat).handler == "waiting"
    assert get_events(conversation) == ["handed_over"]


def test_a_closed_conversation_reopens_as_at_the_start(
    webchat: Webchat, conversation: Conversation
) -> None:
    services.close(conversation=conversation)
    assert send(webchat).handler == "ai"


def test_a_message_past_a_limit_is_stored_and_handed_over(webchat: Webchat) -> None:
    conversation = send(webchat, may_reply=lambda: False)
    conversation.refresh_from_db()
    assert conversation.handler == "waiting"
    log = [row.text or row.event for row in conversation.messages.order_by("sequence")]
    assert log == ["Hello", "handed_over"]


def test_the_limit_of_replies_is_counted_outside_the_transaction(webchat: Webchat) -> None:
    outside, seen = list(connection.savepoint_ids), list[list[str]]()

    def may_reply() -> bool:
        seen.append(list(connection.savepoint_ids))
        return True

    send(webchat, may_reply=may_reply)
    assert seen == [outside]


def test_messages_that_share_a_reply_are_counted_once(webchat: Webchat) -> None:
    may_reply = Mock(return_value=True)
    for _ in range(3):
        send(webchat, may_reply=may_reply)
    may_reply.assert_called_once_with()


# --- Hand-over and give back ---


def test_a_hand_over_is_one_event(conversation: Conversation) -> None:
    for _ in range(2):
        services.hand_over(conversation=conversation)
    conversation.refresh_from_db()
    assert conversation.handler == "waiting"
    assert get_events(conversation) == ["handed_over"]


def test_a_hand_over_does_not_change_a_handler_other_than_the_ai(
    conversation: Conversation, rep: User
) -> None:
    services.take_over(conversation=conversation, user=rep)
    assert services.hand_over(conversation=conversation).handler == "rep"


def test_the_ai_answers_at_once_after_being_given_back(
    conversation: Conversation, rep: User
) -> None:
    services.take_over(conversation=conversation, user=rep)
    Job.objects.all().delete()
    given = services.give_back(conversation=conversation, user=rep)
    assert (given.handler, given.assignee) == ("ai", None)
    assert get_events(given) == ["joined", "returned"]
    assert Job.objects.get().run_at <= Job.objects.get().created_at


def test_giving_back_after_an_answer_requests_no_reply(
    conversation: Conversation, rep: User
) -> None:
    services.send_rep_message(conversation=conversation, user=rep, text="Hi", client_key="rep")
    Job.objects.all().delete()
    services.give_back(conversation=conversation, user=rep)
    assert not Job.objects.exists()


def test_giving_back_without_a_provider_is_refused(conversation: Conversation, rep: User) -> None:
    services.take_over(conversation=conversation, user=rep)
    AiProvider.objects.update(default_model="")
    with pytest.raises(AiUnavailable):
        services.give_back(conversation=conversation, user=rep)


def test_a_closed_conversation_cannot_be_given_back(conversation: Conversation, rep: User) -> None:
    services.close(conversation=conversation)
    with pytest.raises(ConversationClosed):
        services.give_back(conversation=conversation, user=rep)


# --- What ends replies and drafts ---


@pytest.mark.parametrize("action", ["take_over", "message", "close", "ask_for_person"])
def test_replies_and_drafts_end_in_the_transaction_that_changes_the_handler(
    conversation: Conversation, rep: User, action: str
) -> None:
    reply, draft = running(conversation), pending(conversation)
    if action == "message":
        services.send_rep_message(conversation=conversation, user=rep, text="Hi", client_key="rep")
    elif action == "take_over":
        services.take_over(conversation=conversation, user=rep)
    else:
        getattr(services, action)(conversation=conversation)
    reply.refresh_from_db()
    draft.refresh_from_db()
    assert (reply.state, draft.state, draft.version) == ("discarded", "superseded", 2)


def test_a_message_of_the_visitor_supersedes_the_draft(
    webchat: Webchat, conversation: Conversation
) -> None:
    draft = pending(conversation)
    send(webchat)
    draft.refresh_from_db()
    assert (draft.state, draft.is_stale) == ("superseded", False)


def test_a_message_of_the_visitor_marks_a_draft_that_is_being_edited(
    webchat: Webchat, conversation: Conversation, rep: User
) -> None:
    draft = pending(conversation)
    services.edit_draft(draft=draft, user=rep, version=1)
    send(webchat)
    draft.refresh_from_db()
    assert (draft.state, draft.is_stale, draft.version) == ("pending", True, 1)


def test_a_running_reply_becomes_a_draft_without_autopilot(conversation: Conversation) -> None:
    reply = running(conversation, text="The visitor has read th")
    services.configure(conversation=conversation, is_autopilot=False)
    reply.refresh_from_db()
    assert (reply.is_draft, reply.text) == (True, "")


def test_a_draft_stays_one_with_autopilot(conversation: Conversation) -> None:
    services.configure(conversation=conversation, is_autopilot=False)
    reply, draft = running(conversation, is_draft=True), pending(conversation)
    services.configure(conversation=conversation, is_autopilot=True)
    reply.refresh_from_db()
    draft.refresh_from_db()
    assert (reply.is_draft, draft.state) == (True, "pending")
