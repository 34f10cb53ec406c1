"""Notifications by web push: what a push service gets, who is notified, and how often."""

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from organizations.jobs import queue
from organizations.jobs.execution import run_job
from organizations.models import Job, User
from tests.support import event_loops, factories
from tests.support.push_service import PushService
from tests.webchats.conversations.inbox.conftest import VISITOR, answer, write
from tests.webchats.conversations.notifications.conftest import add_device
from webchats.conversations import services
from webchats.conversations.models import Conversation, PushSubscription
from webchats.conversations.notifications.vapid import get_public_key
from webchats.conversations.presence import report_presence
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("push", "push_retry")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The time, which the test moves."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def work(clock: time_machine.Traveller, seconds: float = 2) -> None:
    """Let time pass, and run the jobs that are due."""
    clock.shift(timedelta(seconds=seconds))
    for job in queue.claim(KINDS, limit=10):
        event_loops.run(run_job(job))


def received_by(service: PushService) -> list[str]:
    """Return the names of the devices that got messages, and forget the messages."""
    names = sorted(each.path.rpartition("/")[2] for each in service.received)
    service.received.clear()
    return names


def test_only_the_device_can_read_the_message_and_the_token_is_valid(
    push_service: PushService, webchat: Webchat, rep: User, clock: Any
) -> None:
    row = add_device(push_service, rep)
    conversation = write(webchat, "Do you have “tents” <b>?</b> " + 200 * "ä")
    work(clock)
    (request,) = push_service.received
    assert request.message == {
        "title": f"Ada · {webchat.name}",
        "name": "Ada",
        "text": "Do you have “tents” <b>?</b> " + 90 * "ä" + "…",
        "conversationId": conversation.pk,
        "url": f"/admin/inbox/{conversation.pk}/",
    }
    assert {name: request.headers[name] for name in ("ttl", "urgency", "content-encoding")} == {
        "ttl": "600",
        "urgency": "high",
        "content-encoding": "aes128gcm",
    }
    # RFC 8030, section 5.4.
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", request.headers["topic"])
    assert request.headers["topic"] == conversation.pk
    assert request.claims["sub"] == "mailto:ops@example.com"
    assert 0 < request.claims["exp"] - timezone.now().timestamp() <= 24 * 3600
    assert request.key == get_public_key()
    row.refresh_from_db()
    assert row.last_success_at is not None
    assert not Job.objects.exists()


def test_reps_who_may_answer_and_do_not_see_the_inbox_are_notified(
    push_service: PushService,
    webchat: Webchat,
    admin: User,
    rep: User,
    other_admin: User,
    clock: Any,
) -> None:
    organization = webchat.organization
    away, inactive, moved, looks, hides = users = [
        factories.UserFactory.create(organization=organization) for _ in range(5)
    ]
    for user in (admin, rep, other_admin, *users):
        add_device(push_service, user)
    add_device(push_service, rep, "phone")
    User.objects.filter(pk=away.pk).update(is_away=True)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    User.objects.filter(pk=moved.pk).update(organization=other_admin.organization)
    for user in (looks, hides):
        report_presence(organization_id=organization.pk, user=user)
    report_presence(organization_id=organization.pk, user=hides, is_visible=False)
    # A heartbeat of the hidden tab.
    report_presence(organization_id=organization.pk, user=hides, is_visible=None)
    conversation = write(webchat)
    work(clock)
    assert received_by(push_service) == sorted([admin.pk, rep.pk, hides.pk, "phone"])
    # Then only the assignee.
    services.assign(conversation=conversation, assignee=rep)
    write(webchat, "Anybody?")
    work(clock, 120)
    assert received_by(push_service) == sorted([rep.pk, "phone"])
    User.objects.filter(pk=rep.pk).update(is_away=True)
    write(webchat, "Hello?")
    work(clock, 120)
    assert received_by(push_service) == []


def test_a_device_is_notified_once_a_minute_while_nobody_answers(
    push_service: PushService, webchat: Webchat, rep: User, clock: Any
) -> None:
    add_device(push_service, rep)
    conversation = write(webchat, "One")
    work(clock)
    write(webchat, "Two")
    work(clock, 10)
    write(webchat, "Three")
    work(clock, 40)
    assert [each.message["text"] for each in push_service.received] == ["One"]
    work(clock, 11)
    assert [each.message["text"] for each in push_service.received] == ["One", "Three"]
    # Another conversation has a minute of its own.
    write(webchat, "Other", visitor_id="b" * 32)
    work(clock)
    assert len(push_service.received) == 3
    # Nothing new.
    work(clock, 120)
    write(webchat, "Four")
    answer(conversation, rep)
    work(clock)
    assert len(push_service.received) == 3
    assert not Job.objects.exists()


def test_a_visitor_who_asks_for_a_person_is_reported(
    push_service: PushService, webchat: Webchat, rep: User, clock: Any
) -> None:
    add_device(push_service, rep)
    conversation = write(webchat)
    Conversation.objects.update(handler="ai", waiting_since=None, last_message_author="ai")
    work(clock)
    assert push_service.received == []
    services.ask_for_person(conversation=conversation)
    work(clock)
    assert [each.message["text"] for each in push_service.received] == ["Waits for a person."]


@pytest.mark.parametrize(
    ("status", "headers", "is_kept", "retries"),
    [
        (404, {}, False, 0),
        (410, {}, False, 0),
        (429, {"retry-after": "30"}, True, 1),
        (503, {}, True, 1),
        (403, {}, True, 0),
        (302, {"location": "/send/elsewhere"}, True, 0),
    ],
)
def test_responses_of_the_push_service(
    status: int,
    headers: dict[str, str],
    is_kept: bool,
    retries: int,
    push_service: PushService,
    webchat: Webchat,
    rep: User,
    clock: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    row = add_device(push_service, rep)
    push_service.responses = [(status, headers)]
    write(webchat)
    work(clock)
    assert PushSubscription.objects.exists() == is_kept
    work(clock, 9)
    assert len(push_service.received) == 1
    work(clock, 25)
    assert len(push_service.received) == 1 + retries
    assert not Job.objects.exists()
    # The secrets of the subscription are in no log.
    for secret in (row.endpoint, row.auth, row.p256dh):
        assert secret not in caplog.text


def test_retries_end_when_the_message_expires_or_somebody_answers(
    push_service: PushService, webchat: Webchat, rep: User, clock: Any
) -> None:
    add_device(push_service, rep)
    push_service.responses.extend(50 * [(503, {})])
    conversation = write(webchat)
    for _ in range(70):
        work(clock, 10)
    assert 3 < len(push_service.received) < 10
    assert not Job.objects.exists()
    write(webchat, "Hello?")
    work(clock)
    answer(conversation, rep)
    push_service.received.clear()
    work(clock, 15)
    assert push_service.received == []
    assert not Job.objects.exists()


def test_no_address_is_connected_to_that_providers_may_not_have(
    push_service: PushService, webchat: Webchat, rep: User, settings: Settings, clock: Any
) -> None:
    """Such as of a name whose address has changed since the device was added."""
    add_device(push_service, rep)
    settings.AI_ALLOWED_ADDRESSES = []
    write(webchat)
    work(clock)
    assert push_service.received == []
    assert PushSubscription.objects.exists()
    assert not Job.objects.exists()


def test_nothing_is_requested_without_a_key(
    push_service: PushService, webchat: Webchat, rep: User, settings: Settings
) -> None:
    add_device(push_service, rep)
    settings.VAPID_PRIVATE_KEY = ""
    write(webchat, visitor_id=VISITOR)
    assert not Job.objects.exists()


def test_devices_are_erased_with_the_user(push_service: PushService, rep: User) -> None:
    add_device(push_service, rep)
    rep.delete()
    assert not PushSubscription.objects.exists()
