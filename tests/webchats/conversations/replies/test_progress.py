"""Steps of running replies: what is read, published and saved for many at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from tests.support import factories
from tests.webchats.conversations.replies.conversations import in_thread, send
from webchats.conversations import events
from webchats.conversations.events import ReplyPart
from webchats.conversations.models import Conversation, Reply
from webchats.conversations.replies.progress import ReplyStatus, Step, advance_all
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are published."""
    texts: list[str] = []
    monkeypatch.setattr(
        events, "reply_progress", lambda *parts: texts.extend(part.text for part in parts)
    )
    return texts


def begin(webchat: Webchat, number: int) -> Reply:
    """Return a running reply to a new visitor."""
    conversation = send(webchat, visitor_id=f"{number:032x}")
    return factories.ReplyFactory.create(
        conversation=conversation, state="running", text="", based_on_sequence=1
    )


def step(reply: Reply, *, is_visible: bool = True) -> Step:
    part = ReplyPart(reply.conversation, reply.pk, 3, f" of {reply.pk}")
    return Step(part, f"Yes of {reply.pk}", is_visible=is_visible)


def saved_texts() -> set[str]:
    return set(Reply.objects.exclude(text="").values_list("text", flat=True))


def test_many_replies_take_as_many_queries_as_one(
    webchat: Webchat, published: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    replies = [begin(webchat, number) for number in range(8)]
    # The rows, and a transaction that saves.
    with django_assert_num_queries(4):
        statuses = advance_all([step(reply) for reply in replies])
    assert statuses == [ReplyStatus()] * 8
    assert published == [f" of {reply.pk}" for reply in replies]
    assert saved_texts() == {f"Yes of {reply.pk}" for reply in replies}


def test_replies_that_may_not_go_on_are_left_out(webchat: Webchat, published: list[str]) -> None:
    going, taken_over, answered, asked_again, read, drafted = (
        begin(webchat, number) for number in range(6)
    )
    Conversation.objects.filter(pk=taken_over.conversation_id).update(handler="rep")
    Conversation.objects.filter(pk=drafted.conversation_id).update(is_autopilot=False)
    Reply.objects.filter(pk=answered.pk).update(state="sent")
    for reply in (asked_again, read):
        send(webchat, "And?", visitor_id=reply.conversation.visitor_id)
    steps = [step(reply) for reply in (going, taken_over, answered, read, drafted)]
    statuses = advance_all([*steps, step(asked_again, is_visible=False)])
    assert statuses == [
        ReplyStatus(),
        ReplyStatus(is_ended=True),
        ReplyStatus(is_ended=True),
        ReplyStatus(is_outdated=True),
        ReplyStatus(is_draft=True),
        ReplyStatus(is_outdated=True),
    ]
    assert published == [f" of {going.pk}", f" of {read.pk}"]
    assert saved_texts() == {f"Yes of {going.pk}", f"Yes of {read.pk}"}
    drafted.refresh_from_db()
    assert drafted.is_draft


def advance_while_locked(locked: Reply, other: Reply) -> list[ReplyStatus | Exception]:
    """Return the statuses of both replies while another transaction has locked the first one."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one lock for all rows.")
    statuses: list[ReplyStatus | Exception] = []
    advance = in_thread(lambda: statuses.extend(advance_all([step(locked), step(other)])))
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        Reply.objects.select_for_update().get(pk=locked.pk)
        threads.submit(advance).result()
    return statuses


def test_reply_that_is_being_ended_does_not_keep_the_others_waiting(
    webchat: Webchat, published: list[str]
) -> None:
    ending, other = begin(webchat, 1), begin(webchat, 2)
    advance_while_locked(ending, other)
    assert saved_texts() == {f"Yes of {other.pk}"}


def test_locked_reply_that_becomes_a_draft_does_not_keep_the_others_waiting(
    webchat: Webchat, published: list[str]
) -> None:
    drafted, other = begin(webchat, 1), begin(webchat, 2)
    Conversation.objects.filter(pk=drafted.conversation_id).update(is_autopilot=False)
    statuses = advance_while_locked(drafted, other)
    assert statuses == [ReplyStatus(is_draft=True), ReplyStatus()]
    assert published == [f" of {other.pk}"]
    # Later it is free.
    advance_all([step(drafted)])
    drafted.refresh_from_db()
    assert drafted.is_draft
