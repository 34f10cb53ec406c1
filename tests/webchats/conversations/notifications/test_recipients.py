"""Which conversations need a representative, and who is notified of them."""

import pytest
from django.utils import timezone

from organizations.models import User
from tests.support import factories
from tests.webchats.conversations.inbox.conftest import answer, write
from webchats.conversations import services
from webchats.conversations.models import Conversation, Draft, DraftState
from webchats.conversations.notifications.recipients import (
    find_recipients,
    needs_rep,
    waits_for_rep,
)
from webchats.conversations.transitions import Handler, State
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    return write(webchat)


def test_assignee_is_the_only_recipient_while_an_active_member(
    conversation: Conversation, admin: User, rep: User, other_admin: User, superuser: User
) -> None:
    factories.UserFactory.create(organization=rep.organization, is_active=False)
    assert set(find_recipients(conversation)) == {admin, rep}
    services.assign(conversation=conversation, assignee=rep)
    conversation.refresh_from_db()
    assert set(find_recipients(conversation)) == {rep}
    User.objects.filter(pk=rep.pk).update(is_active=False)
    assert set(find_recipients(conversation)) == {admin}
    for outsider in (other_admin, superuser):
        conversation.assignee = outsider
        assert set(find_recipients(conversation)) == {admin}


def test_conversation_needs_a_rep_until_somebody_answers(
    conversation: Conversation, rep: User, webchat: Webchat
) -> None:
    assert needs_rep(conversation)
    answer(conversation, rep)
    conversation.refresh_from_db()
    assert not needs_rep(conversation)
    assert needs_rep(write(webchat, "Anybody?"))


@pytest.mark.parametrize(
    ("state", "handler", "needs"),
    [
        (State.OPEN, Handler.WAITING, True),
        (State.OPEN, Handler.REP, True),
        (State.OPEN, Handler.AI, False),
        (State.CLOSED, Handler.WAITING, False),
    ],
)
def test_ai_and_closed_conversations_need_none(state: State, handler: Handler, needs: bool) -> None:
    values = {"state": state, "handler": handler, "waiting_since": timezone.now()}
    assert needs_rep(Conversation(**values)) is needs
    factories.ConversationFactory.create(**values)
    assert Conversation.objects.filter(waits_for_rep()).exists() is needs


def test_draft_needs_a_rep_until_it_is_decided() -> None:
    draft = factories.DraftFactory.create()
    conversation = draft.conversation
    conversation.handler, conversation.waiting_since = Handler.AI, timezone.now()
    conversation.save()
    assert needs_rep(conversation)
    assert list(Conversation.objects.filter(waits_for_rep())) == [conversation]
    Draft.objects.update(state=DraftState.REJECTED)
    assert not needs_rep(conversation)
    assert not Conversation.objects.filter(waits_for_rep()).exists()
