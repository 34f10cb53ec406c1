"""Automatic assignment of waiting conversations to members who are online."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.core.cache import cache

from organizations.models import User
from tests.support import factories
from tests.support.threads import run_at_once
from webchats.conversations import services
from webchats.conversations.live import publishing
from webchats.conversations.models import Conversation
from webchats.conversations.presence import report_presence, set_away
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

visitors = count()


@pytest.fixture
def webchat(webchat: Webchat) -> Webchat:
    """A webchat without an AI, whose conversations are assigned automatically."""
    webchat.is_auto_assigned = True
    webchat.save()
    return webchat


@pytest.fixture
def reps(webchat: Webchat) -> list[User]:
    """Three members who are online, in the order of their turns."""
    members = [
        factories.UserFactory.create(organization=webchat.organization, access_role="SALES_REP")
        for _ in range(3)
    ]
    for member in members:
        come_online(member, webchat)
    return sorted(members, key=lambda member: member.pk)


def come_online(user: User, webchat: Webchat) -> None:
    report_presence(organization_id=webchat.organization_id, user=user)


def start(webchat: Webchat) -> Conversation:
    """Start a conversation of a new visitor."""
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id=f"{next(visitors):032x}", text="Hello", client_key="key"
    )
    return Conversation.objects.select_related("assignee").get(pk=sent.message.conversation_id)


def test_members_take_turns(webchat: Webchat, reps: list[User]) -> None:
    first, second, third = reps
    conversations = [start(webchat) for _ in range(4)]
    assert [each.assignee for each in conversations] == [first, second, third, first]
    assert {each.handler for each in conversations} == {"waiting"}
    # The next one after the last turn, whoever else has left meanwhile.
    set_away(organization_id=webchat.organization_id, user=second, is_away=True)
    assert [start(webchat).assignee for _ in range(2)] == [third, first]


def test_only_members_who_are_online_and_not_away_get_conversations(
    webchat: Webchat, reps: list[User], superuser: User, other_admin: User
) -> None:
    away, deactivated, available = reps
    set_away(organization_id=webchat.organization_id, user=away, is_away=True)
    deactivated.is_active = False
    deactivated.save()
    factories.UserFactory.create(organization=webchat.organization)  # Offline.
    for outsider in (superuser, other_admin):
        come_online(outsider, webchat)
    assert {start(webchat).assignee for _ in range(3)} == {available}


@pytest.mark.parametrize("missing", ["switch", "members", "cache"])
def test_nobody_is_assigned_without(webchat: Webchat, rep: User, missing: str) -> None:
    if missing == "switch":
        Webchat.objects.update(is_auto_assigned=False)
        webchat.refresh_from_db()
    if missing != "members":
        come_online(rep, webchat)
    if missing == "cache":
        cache.clear()
    assert start(webchat).assignee is None


def hand_over(conversation: Conversation) -> None:
    Conversation.objects.update(handler="ai")
    services.ask_for_person(conversation=conversation)


def reopen_without_assignee(conversation: Conversation) -> None:
    services.close(conversation=conversation)
    services.send_visitor_message(
        webchat=Webchat.objects.get(),
        visitor_id=conversation.visitor_id,
        text="Again",
        client_key="again",
    )


def deactivate_assignee(conversation: Conversation) -> None:
    user = factories.UserFactory.create(organization=conversation.organization)
    services.take_over(conversation=conversation, user=user)
    user.is_active = False
    user.save()


@pytest.mark.parametrize("act", [hand_over, reopen_without_assignee, deactivate_assignee])
def test_a_conversation_is_assigned_when_it_begins_to_wait(
    webchat: Webchat,
    rep: User,
    act: Callable[[Conversation], None],
    django_capture_on_commit_callbacks: Any,
) -> None:
    conversation = start(webchat)
    come_online(rep, webchat)
    hints: list[publishing.Hint] = []
    publishing.add_listener(hints.append)
    with django_capture_on_commit_callbacks(execute=True):
        act(conversation)
    publishing.remove_listener(hints.append)
    conversation.refresh_from_db()
    assert (conversation.handler, conversation.assignee) == ("waiting", rep)
    assert hints[-1]["type"] == "conversation"


@pytest.mark.parametrize("is_online", [True, False])
def test_an_assignee_who_is_online_stays(
    webchat: Webchat, rep: User, admin: User, is_online: bool
) -> None:
    conversation = start(webchat)
    services.assign(conversation=conversation, assignee=admin)
    for user in (rep, admin) if is_online else (rep,):
        come_online(user, webchat)
    hand_over(conversation)
    conversation.refresh_from_db()
    assert conversation.assignee == (admin if is_online else rep)


@pytest.mark.django_db(transaction=True)
def test_conversations_at_the_same_time_get_different_members(
    webchat: Webchat, reps: list[User]
) -> None:
    conversations = run_at_once(3, lambda _: start(webchat))
    assert {each.assignee for each in conversations} == set(reps)
