"""Nothing of the AI after a person, and one answer to several messages.

``python -m tests.benchmarks.replies`` runs the same with ten times as many rounds.
"""

import asyncio
from threading import Event
from time import monotonic

import pytest
from pytest_django import Settings

from organizations.jobs.database import run_query
from organizations.jobs.worker import Worker
from organizations.models import User
from tests.support import event_loops
from tests.support.models import claim_reply, run_job, run_replies, use_model
from tests.support.reply_races import (
    are_answered,
    check_bursts,
    measure_ends_of_streams,
    race_person_and_answer,
    send_bursts,
)
from tests.webchats.conversations.replies.conversations import get_log, in_thread, send
from webchats.conversations import services
from webchats.conversations.models import Reply
from webchats.models import Webchat

#: Twice the time on a machine with nothing else to do, which the benchmark requires.
MAX_SECONDS = 2

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_answer_follows_a_take_over(webchat: Webchat, rep: User) -> None:
    first = [race_person_and_answer(webchat, rep, number) for number in range(20)]
    assert {"answer", "person"} == set(first)


@pytest.mark.parametrize("action", ["take_over", "message", "close", "ask_for_person", "delete"])
def test_a_person_ends_the_stream_of_the_provider(
    webchat: Webchat, rep: User, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    changed_at: list[float] = []

    def change() -> None:
        if action == "take_over":
            services.take_over(conversation=conversation, user=rep)
        elif action == "message":
            services.send_rep_message(
                conversation=conversation, user=rep, text="Hi", client_key="rep"
            )
        elif action == "delete":
            Webchat.objects.get(pk=webchat.pk).delete()
        else:
            getattr(services, action)(conversation=conversation)
        changed_at.append(monotonic())

    model = use_model(monkeypatch, ["In three", in_thread(change), *[_pause] * 40, " days."])
    conversation = send(webchat)
    run_job(claim_reply())
    assert monotonic() - changed_at[0] < MAX_SECONDS
    assert model.closed_early == 1
    assert not any(line.startswith("ai:") for line in get_log(conversation))
    assert Reply.objects.get().state == "discarded"


def test_a_take_over_closes_the_connection_to_the_provider(admin: User) -> None:
    assert max(measure_ends_of_streams(admin, 2)) < MAX_SECONDS


def test_a_newer_message_before_the_first_words_starts_over(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = in_thread(lambda: send(webchat, "And?"))
    model = use_model(monkeypatch, [newer, "One."], ["Two."])
    conversation = send(webchat, "When?")
    run_replies()
    assert get_log(conversation) == ["visitor: When?", "visitor: And?", "ai: Two."]
    assert [len(request.turns) for request in model.requests] == [1, 1]
    states = Reply.objects.order_by("created_at").values_list("state", flat=True)
    assert list(states) == ["discarded", "sent"]


def test_a_newer_message_after_the_first_words_gets_the_next_reply(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = in_thread(lambda: send(webchat, "And?"))
    use_model(monkeypatch, ["One", newer, "."], ["Two."])
    conversation = send(webchat, "When?")
    run_replies()
    assert get_log(conversation)[1:] == ["visitor: And?", "ai: One.", "ai: Two."]


def test_the_reply_of_a_dead_worker_is_made_again(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model(monkeypatch, ["Yes."])
    conversation = send(webchat)
    Reply.objects.create(conversation=conversation, based_on_sequence=1, text="In th")
    run_replies()
    assert get_log(conversation)[1:] == ["ai: Yes."]


def test_three_messages_in_a_row_get_one_answer_from_all_of_them(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.AI_DEBOUNCE_SECONDS, settings.AI_DEBOUNCE_AT_MOST_SECONDS = 0.8, 5
    use_model(monkeypatch, ["Yes."])

    async def run() -> list[str]:
        worker = Worker(5, ["reply"])
        running = asyncio.create_task(worker.run())
        ids = await run_query(send_bursts, webchat, 5, 0.05)
        while not await run_query(are_answered, ids):
            await asyncio.sleep(0.05)
        worker.stop()
        await running
        return ids

    check_bursts(event_loops.run(run()))


def _pause() -> None:
    """Take some time of the stream, in a thread."""
    Event().wait(0.05)
