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
from django.test import override_settings

from organizations.jobs import queue
from organizations.models import User
from tests.support import event_loops
from tests.support.ai_webchats import create_ai_webchat
from tests.support.slow_model import PAUSE, running_slow_model
from webchats.conversations import services
from webchats.conversations.errors import DraftChanged
from webchats.conversations.knowledge.answer import Answer, Outcome
from webchats.conversations.knowledge.run_events import Finished, Trace
from webchats.conversations.models import Conversation, Draft, Message, Reply, ReplyState
from webchats.conversations.replies.engine import make_reply
from webchats.conversations.replies.outcomes import finish_reply
from webchats.conversations.replies.start import Start, start_reply
from webchats.models import Webchat

_VISITORS_AT_ONCE: Final = 10
#: Seconds in which the other connection reaches the lock.
_HEAD_START: Final = 0.01


def send_visitor_message(webchat: Webchat, visitor: int, text: str) -> Conversation:
    """Store a message of a visitor, who is a number."""
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id=f"{visitor:032x}", text=text, client_key=text
    )
    return sent.message.conversation


def race_person_and_answer(webchat: Webchat, user: User, number: int) -> str:
    """Let a person take over while the AI's answer is stored, and return the first of both.

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
        lambda: finish_reply(job, start.reply.pk, finished(), is_shown=True),
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


def finished() -> Finished:
    """Return an answer that is complete."""
    trace = Trace("Model", "small", None, (), "stop", first_token_ms=1, total_ms=2)
    return Finished(Answer(Outcome.ANSWER, "In three days.", []), trace)


def measure_ends_of_streams(user: User, rounds: int) -> list[float]:
    """Take conversations over in the middle of a model's stream.

    Return the seconds from each take-over to the end of the connection to the model.
    """
    with running_slow_model() as server, override_settings(AI_ALLOWED_ADDRESSES=[server.address]):
        webchat = create_ai_webchat(user, base_url=f"http://{server.address}/v1")
        for number in range(rounds):
            conversation = send_visitor_message(webchat, number, "When?")
            (job,) = queue.claim(["reply"])

            def take_over(conversation: Conversation = conversation) -> None:
                with closing(connection):
                    services.take_over(conversation=conversation, user=user)

            server.action = take_over
            event_loops.run(make_reply(job))
            queue.complete(job)
            assert not conversation.messages.filter(author="ai").exists()
        while len(server.delays) < rounds:
            sleep(PAUSE)
        return server.delays


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

    def send(visitor: int) -> str:
        with closing(connection):
            conversation = send_visitor_message(webchat, visitor, "One")
            for text in ("Two", "Three"):
                sleep(pause)
                send_visitor_message(webchat, visitor, text)
            return conversation.pk

    with ThreadPoolExecutor(_VISITORS_AT_ONCE) as executor:
        return list(executor.map(send, range(visitors)))


def check_bursts(conversation_ids: list[str]) -> None:
    """Raise ``AssertionError`` unless each has one answer, which is made from all messages."""
    for pk in conversation_ids:
        rows = Message.objects.filter(conversation=pk).order_by("sequence")
        log = [row.event or row.author for row in rows]
        assert log == ["visitor", "visitor", "visitor", "ai"], log
        reply = Reply.objects.get(conversation=pk, state=ReplyState.SENT)
        assert reply.based_on_sequence == 3


def are_answered(conversation_ids: list[str]) -> bool:
    """Return whether each conversation has a message of the AI."""
    answered = Message.objects.filter(conversation__in=conversation_ids, author="ai")
    return answered.values("conversation").distinct().count() == len(conversation_ids)
