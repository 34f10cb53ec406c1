"""Workers that are killed while they answer visitors, in a process of its own."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from typing import Final

from django.db import connections

from organizations.jobs import execution, queue
from organizations.jobs.worker import Worker
from organizations.models import Job
from tests.support.ai_webchats import create_builtin_webchat
from tests.support.factories import UserFactory
from webchats.conversations import services
from webchats.conversations.models import KnowledgeEntry, Message, Reply, ReplyState
from webchats.models import Webchat

WORKERS: Final = 3
CONCURRENCY: Final = 5
LEASE_SECONDS: Final = 2.0
#: About a second, word by word.
ANSWER: Final = " ".join(f"word{number}" for number in range(150))
#: Seconds within which all visitors must be answered after the last kill.
TIMEOUT: Final = 90


def kill_workers(kills: int) -> str:
    """Kill workers in the middle of their replies, and return figures.

    Raise ``AssertionError`` unless each conversation has exactly one answer. Workers are forks of
    this process, so that their start takes no time.
    """
    # Forks inherit them.
    vars(queue)["LEASE_SECONDS"] = LEASE_SECONDS
    vars(execution)["RENEW_SECONDS"] = LEASE_SECONDS / 4
    webchat = create_builtin_webchat(UserFactory.create())
    KnowledgeEntry.objects.update(answer=ANSWER)
    started = time.monotonic()
    workers = [_fork_worker() for _ in range(WORKERS)]
    try:
        for number in range(kills):
            _send(webchat, number)
            _wait_for_running_job()
            time.sleep(random.uniform(0.05, 0.4))
            _kill(workers.pop(random.randrange(WORKERS)))
            workers.append(_fork_worker())
        _wait_for_answers()
    finally:
        for worker in workers:
            _kill(worker)
    seconds = time.monotonic() - started
    states = _check_answers(webchat, kills)
    return (
        f"{kills} workers killed in {seconds:.0f} s, {kills} conversations with exactly one answer,"
        f" {states[ReplyState.DISCARDED]} replies started over"
    )


def _fork_worker() -> int:
    """Start a worker in a fork of this process, and return its id."""
    # A fork must not use the connections of this process, or the threads of its pool.
    connections.close_all()
    close_pool = getattr(connections["default"], "close_pool", None)
    if close_pool is not None:
        close_pool()
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(Worker(CONCURRENCY).run())
        finally:
            os._exit(1)
    return pid


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _send(webchat: Webchat, number: int) -> None:
    services.send_visitor_message(
        webchat=webchat, visitor_id=f"{number:032x}", text="One two three?", client_key="key"
    )


def _wait_for_running_job() -> None:
    deadline = time.monotonic() + 10
    while not Job.objects.filter(leased_until__isnull=False).exists():
        assert time.monotonic() < deadline, "no job runs"
        time.sleep(0.02)


def _wait_for_answers() -> None:
    deadline = time.monotonic() + TIMEOUT
    while count := Job.objects.count():
        assert time.monotonic() < deadline, f"{count} jobs are left"
        time.sleep(0.1)


def _check_answers(webchat: Webchat, conversations: int) -> Counter[str]:
    """Return how many replies are in each state."""
    answers = Message.objects.filter(conversation__webchat=webchat, author="ai")
    assert set(answers.values_list("text", flat=True)) == {ANSWER}
    answered = Counter(answers.values_list("conversation", flat=True))
    assert len(answered) == conversations, f"{len(answered)} conversations have an answer"
    assert set(answered.values()) == {1}, "a conversation has several answers"
    states = Counter(Reply.objects.values_list("state", flat=True))
    assert states.keys() <= {ReplyState.SENT, ReplyState.DISCARDED}, states
    return states
