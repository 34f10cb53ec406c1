"""Races between the AI and people, which tests and ``tests.benchmarks.replies`` run.

Each function uses connections of its own threads, so the rows must be committed.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from time import sleep
from typing import Final

from django.db import connection, transaction

from organizations.jobs import queue
from organizations.models import User
from webchats.conversations import services
from webchats.conversations.errors import DraftChanged
from webchats.conversations.knowledge.answer import Answer, Outcome
from webchats.conversations.knowledge.runs import Finished, Trace
from webchats.conversations.models import Conversation, Draft, Message, Reply, ReplyState
from webchats.conversations.replies.outcomes import finish_reply
from webchats.conversations.replies.start import Start, start_reply
from webchats.models import Webchat

#: Seconds in which the other connection reaches the lock.
_HEAD_START: Final = 0.01


def send_visitor_message(webchat: Webchat, visitor: int, text: str) -> Conversation:
    """Store a message of a visitor, who is a number."""
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id=f"{visitor:032x}", text=text, client_key=text
    )
    return sent.message.conversation


def race_person_and_answer(webchat: Webchat, user: User, number: int) -> str:
    """Let a person take over while the AI's answer is stored, and return who came first.

    Four interleavings take turns: the take-over commits before the final write begins, the final
    write waits for its lock, the take-over waits for that of the final write, and both begin at the
    same time. Raise ``AssertionError`` if there is a message of the AI after the take-over.
    """
    conversation = send_visitor_message(webchat, number, "When?")
    (job,) = queue.claim(["reply"])
    start = start_reply(job)
    assert start is not None
    interleavings = (_person_before, _person_holds_lock, _answer_holds_lock, _together)
    interleavings[number % len(interleavings)](
        lambda: services.take_over(conversation=conversation, user=user),
        lambda: finish_reply(job, start.reply.pk, _finished(), is_shown=True),
    )
    queue.complete(job)
    return _check(conversation, start)


def _check(conversation: Conversation, start: Start) -> str:
    rows = Message.objects.filter(conversation=conversation).order_by("sequence")
    log = [row.event or row.author for row in rows]
    assert log in (["visitor", "joined"], ["visitor", "ai", "joined"]), log
    state = Reply.objects.get(pk=start.reply.pk).state
    assert state == (ReplyState.SENT if "ai" in log else ReplyState.DISCARDED), state
    conversation.refresh_from_db()
    assert conversation.handler == "rep"
    return "answer" if "ai" in log else "person"


def _person_before(person: Callable[[], object], answer: Callable[[], object]) -> None:
    person()
    answer()


def _person_holds_lock(person: Callable[[], object], answer: Callable[[], object]) -> None:
    with _other_thread(answer) as begin, transaction.atomic():
        person()
        begin()
        sleep(_HEAD_START)


def _answer_holds_lock(person: Callable[[], object], answer: Callable[[], object]) -> None:
    with _other_thread(person) as begin, transaction.atomic():
        answer()
        begin()
        sleep(_HEAD_START)


def _together(person: Callable[[], object], answer: Callable[[], object]) -> None:
    with _other_thread(answer) as begin:
        begin()
        person()


@contextmanager
def _other_thread(action: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Return a function that starts the action in a thread, which has ended after the block."""
    with ThreadPoolExecutor(1) as executor:
        futures = []

        def run() -> None:
            with closing(connection):
                action()

        def begin() -> None:
            futures.append(executor.submit(run))

        yield begin
    for future in futures:
        future.result()


def _finished() -> Finished:
    trace = Trace("Model", "small", None, (), "stop", first_token_ms=1, total_ms=2)
    return Finished(Answer(Outcome.ANSWER, "In three days.", []), trace)


def approve_at_once(draft: Draft, user: User, *, threads: int) -> tuple[int, int]:
    """Approve the draft in ``threads`` threads. Return how many sent it and were refused."""
    barrier = threading.Barrier(threads)

    def approve(_: int) -> bool:
        with closing(connection):
            barrier.wait()
            try:
                services.approve_draft(draft=draft, user=user, version=1)
            except DraftChanged:
                return False
            return True

    with ThreadPoolExecutor(threads) as executor:
        sent = list(executor.map(approve, range(threads)))
    return sent.count(True), sent.count(False)


def send_bursts(webchat: Webchat, visitors: int, pause: float) -> list[str]:
    """Send three messages of each visitor, ``pause`` seconds apart. Return the conversations."""
    ids = set()
    for text in ("One", "Two", "Three"):
        ids |= {send_visitor_message(webchat, visitor, text).pk for visitor in range(visitors)}
        sleep(pause)
    return sorted(ids)


def check_bursts(conversation_ids: list[str]) -> None:
    """Raise ``AssertionError`` unless each has one answer, which is made from all messages."""
    for pk in conversation_ids:
        rows = Message.objects.filter(conversation=pk).order_by("sequence")
        assert [row.author for row in rows] == ["visitor", "visitor", "visitor", "ai"], pk
        reply = Reply.objects.get(conversation=pk, state=ReplyState.SENT)
        assert reply.based_on_sequence == 3


def are_answered(conversation_ids: list[str]) -> bool:
    """Return whether each conversation has a message of the AI."""
    answered = Message.objects.filter(conversation__in=conversation_ids, author="ai")
    return answered.values("conversation").distinct().count() == len(conversation_ids)
