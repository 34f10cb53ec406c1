"""What becomes of a reply: a message, a draft, a hand-over or a failure."""

import threading
from datetime import timedelta
from functools import partial
from time import monotonic, sleep
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.events import Usage
from organizations.jobs import queue
from organizations.jobs.queue import ClaimedJob
from organizations.models import AiProvider, AiUsage, Prompt, User
from organizations.models.job import Job
from tests.support import event_loops, factories
from tests.support.models import HAND_OVER, Step, claim_reply, run_job, run_replies, use_model
from tests.webchats.conversations.replies.conversations import get_log, in_thread, send
from webchats.conversations import events, services
from webchats.conversations.events import ReplyPart
from webchats.conversations.knowledge.phrases import refusal, second_refusal
from webchats.conversations.models import Conversation, Draft, Message, Reply
from webchats.conversations.replies import start
from webchats.conversations.replies.engine import make_reply
from webchats.conversations.replies.requests import request_reply
from webchats.conversations.visitor.transcript import make_transcript
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = ["sources: none\n"]


def reply_to(webchat: Webchat, text: str = "When?") -> Conversation:
    """Send a message, make the reply, and return the conversation as it is then."""
    conversation = send(webchat, text)
    run_replies()
    conversation.refresh_from_db()
    return conversation


def test_an_answer_is_a_message_of_the_ai(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = factories.KnowledgeEntryFactory.create(
        organization=webchat.organization, question="Delivery", link="https://example.com/d"
    )
    model = use_model(monkeypatch, ["sources: 1\n", "In three", " days."])
    conversation = reply_to(webchat)
    assert get_log(conversation) == ["visitor: When?", "ai: In three days."]
    reply = Reply.objects.get()
    message = conversation.messages.get(author="ai")
    assert (message.reply, message.author_name) == (reply, webchat.organization.public_title)
    assert message.sources == [{"number": 1, "title": "Delivery", "link": "https://example.com/d"}]
    assert (reply.state, reply.prompt, reply.prompt_version) == ("sent", webchat.prompt, 1)
    assert (reply.instructions, reply.knowledge) == (webchat.prompt.instructions, [entry.pk])
    assert (reply.provider_name, reply.model) == ("Model", "small")
    assert (reply.input_tokens, reply.output_tokens, reply.end_reason) == (10, 5, "stop")
    assert reply.total_ms is not None
    assert [turn.text for turn in model.requests[0].turns] == ["When?"]
    assert conversation.handler == "ai"
    assert not Job.objects.exists()


def test_messages_in_a_row_get_one_answer_from_all(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = use_model(monkeypatch, ["Yes."])
    send(webchat, "One")
    send(webchat, "Two")
    conversation = reply_to(webchat, "Three")
    assert get_log(conversation)[3:] == ["ai: Yes."]
    assert model.requests[0].turns[-1].text.split() == ["One", "Two", "Three"]
    assert len(model.requests) == 1


def test_an_answered_message_is_not_answered_again(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = use_model(monkeypatch, ["Yes."])
    request_reply(reply_to(webchat), delay=0)
    assert run_replies() == 1
    assert len(model.requests) == 1


def test_progress_is_published_with_offsets(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[ReplyPart] = []
    monkeypatch.setattr(events, "reply_progress", lambda *parts: published.extend(parts))
    use_model(monkeypatch, [*"In three days."])
    reply_to(webchat)
    text = ""
    for part in published:
        assert part.offset == len(text)
        text += part.text
    assert text
    assert "In three days.".startswith(text)


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ([HAND_OVER], "handed_over"),
        (["Wait a moment", HAND_OVER], "handed_over"),
        ([ProviderError(ErrorKind.UNAUTHORIZED, "The API key is invalid.")], "failed"),
        (["In three", ProviderError(ErrorKind.INCOMPLETE, "Cut.")], "failed"),
    ],
)
@pytest.mark.parametrize("is_autopilot", [True, False])
def test_without_an_answer_one_event_calls_a_person(
    webchat: Webchat,
    monkeypatch: pytest.MonkeyPatch,
    script: list[Step],
    state: str,
    is_autopilot: bool,
) -> None:
    webchat.is_autopilot = is_autopilot
    webchat.save()
    use_model(monkeypatch, script)
    conversation = reply_to(webchat)
    assert get_log(conversation) == ["visitor: When?", "system: handed_over"]
    assert conversation.handler == "waiting"
    reply = Reply.objects.get()
    assert (reply.state, reply.text) == (state, "")
    assert not Draft.objects.pending().exists()


def test_staff_read_why_a_reply_failed(webchat: Webchat, monkeypatch: pytest.MonkeyPatch) -> None:
    use_model(monkeypatch, [ProviderError(ErrorKind.QUOTA, "The account has no credit.")])
    reply_to(webchat)
    reply = Reply.objects.get()
    assert (reply.end_reason, reply.error) == ("quota", "The account has no credit.")


def test_a_fault_of_the_service_calls_a_person(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    use_model(monkeypatch, [fail])
    conversation = reply_to(webchat)
    assert conversation.handler == "waiting"
    assert "has failed" in caplog.text


def test_an_answer_that_cannot_be_stored_calls_a_person(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model(monkeypatch, ["Yes."])
    monkeypatch.setattr("tests.support.models.USAGE", Usage(10**20, 5))
    conversation = reply_to(webchat)
    assert get_log(conversation)[1:] == ["system: handed_over"]
    assert Reply.objects.get().end_reason == "internal_error"


def test_the_second_refusal_in_a_row_calls_a_person(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.KnowledgeEntryFactory.create(organization=webchat.organization)
    use_model(monkeypatch, REFUSED)
    sentence = f"ai: {refusal('')}"
    assert get_log(reply_to(webchat)) == ["visitor: When?", sentence]
    conversation = reply_to(webchat, "And?")
    assert get_log(conversation)[1:3] == [sentence, "visitor: And?"]
    last = conversation.messages.get(sequence=4)
    assert (last.event, last.text) == ("handed_over", second_refusal(""))
    transcript = make_transcript(conversation, "Shop")
    assert "Shop passed the conversation to the team." in transcript
    assert second_refusal("") in transcript
    assert conversation.handler == "waiting"


def test_an_answer_between_two_refusals_calls_nobody(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.KnowledgeEntryFactory.create(organization=webchat.organization)
    use_model(monkeypatch, REFUSED, ["sources: 1\nYes."], REFUSED)
    handlers = [reply_to(webchat).handler for _ in range(3)]
    assert handlers == ["ai", "ai", "ai"]


def test_a_prompt_that_cannot_be_used_any_more_calls_a_person(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = use_model(monkeypatch, ["Yes."])
    send(webchat)
    Prompt.objects.update(is_active=False)
    run_replies()
    conversation = Conversation.objects.get()
    assert (conversation.handler, model.requests) == ("waiting", [])


@pytest.mark.parametrize("script", [[], ["One word"]])
def test_a_model_that_stalls_ends_at_the_deadline(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch, settings: Settings, script: list[Step]
) -> None:
    settings.AI_FIRST_TOKEN_SECONDS, settings.AI_TOTAL_SECONDS = 0.3, 0.6
    released = threading.Event()
    use_model(monkeypatch, [*script, lambda: released.wait(5)])
    conversation = send(webchat)
    began = monotonic()
    job = claim_reply()
    event_loops.run(_make_and_release(job, released))
    assert monotonic() - began < 4
    assert get_log(conversation)[1:] == ["system: handed_over"]
    assert Reply.objects.get().end_reason == "timeout"


async def _make_and_release(job: ClaimedJob, released: threading.Event) -> None:
    try:
        await make_reply(job)
    finally:
        released.set()


# --- Drafts ---


@pytest.fixture
def checked(webchat: Webchat) -> Webchat:
    """The webchat without autopilot."""
    webchat.is_autopilot = False
    webchat.save()
    return webchat


def test_without_autopilot_the_answer_is_a_draft(
    checked: Webchat, rep: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[ReplyPart] = []
    monkeypatch.setattr(events, "reply_progress", lambda *parts: published.extend(parts))
    use_model(monkeypatch, ["In three days."])
    conversation = reply_to(checked)
    assert get_log(conversation) == ["visitor: When?"]
    draft = Draft.objects.get()
    assert (draft.state, draft.text, draft.based_on_sequence) == ("pending", "In three days.", 1)
    assert (draft.reply.state, conversation.handler, published) == ("drafted", "ai", [])
    services.approve_draft(draft=draft, user=rep, version=1)
    assert get_log(conversation) == ["visitor: When?", "ai: In three days."]
    assert run_replies() == 0


def test_a_draft_answers_until_it_is_decided(
    checked: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = use_model(monkeypatch, ["In three days."])
    conversation = reply_to(checked)
    request_reply(conversation, delay=0)
    run_replies()
    assert len(model.requests) == 1


def test_a_newer_message_gets_a_new_draft(
    checked: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model(monkeypatch, ["One."], ["Two."])
    reply_to(checked)
    reply_to(checked)
    drafts = Draft.objects.order_by("created_at").values_list("text", "state")
    assert list(drafts) == [("One.", "superseded"), ("Two.", "pending")]


def test_a_draft_that_is_edited_is_replaced_after_the_decision(
    checked: Webchat, rep: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model(monkeypatch, ["One."], ["Two."])
    conversation = reply_to(checked)
    draft = Draft.objects.get()
    services.edit_draft(draft=draft, user=rep, version=1)
    send(checked, "And?")
    job = claim_reply()
    with pytest.raises(queue.RetryLater):
        event_loops.run(make_reply(job))
    queue.retry(job, 60)
    services.approve_draft(draft=draft, user=rep, version=1, text="Edited.")
    run_replies()
    assert get_log(conversation)[1:] == ["visitor: And?", "ai: Edited."]
    assert Draft.objects.pending().get().text == "Two."


def test_a_draft_that_fails_has_no_text(checked: Webchat, monkeypatch: pytest.MonkeyPatch) -> None:
    use_model(monkeypatch, ["Half", ProviderError(ErrorKind.INCOMPLETE, "Cut.")])
    reply_to(checked)
    draft = Draft.objects.get()
    assert (draft.state, draft.text) == ("failed", "")


def test_a_refusal_is_no_draft(checked: Webchat, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.KnowledgeEntryFactory.create(organization=checked.organization)
    use_model(monkeypatch, REFUSED)
    conversation = reply_to(checked)
    assert (conversation.handler, Draft.objects.count()) == ("waiting", 0)


def test_a_stream_becomes_a_draft_when_autopilot_is_disabled(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[ReplyPart] = []
    monkeypatch.setattr(events, "reply_progress", lambda *parts: published.extend(parts))

    def disable() -> None:
        Webchat.objects.update(is_autopilot=False)

    # Longer than the time between two publications, shorter than that between two checks.
    wait = partial(sleep, 0.15)
    use_model(monkeypatch, ["In three", in_thread(disable), " days.", wait, *"abc"])
    conversation = reply_to(webchat)
    assert "".join(part.text for part in published) == "In three"
    assert get_log(conversation) == ["visitor: When?"]
    draft = Draft.objects.get()
    assert (draft.state, draft.text) == ("pending", "In three days.abc")


def add_running_call(webchat: Webchat, **values: Any) -> AiUsage:
    """Store a call that runs, the only one that the provider may have at a time."""
    AiProvider.objects.update(max_parallel=1)
    return AiUsage.objects.create(
        organization=webchat.organization,
        provider=AiProvider.objects.get(),
        estimate=100,
        expires_at=timezone.now() + timedelta(seconds=100),
        **values,
    )


def test_a_call_of_a_dead_worker_does_not_count_against_the_parallel_calls(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model(monkeypatch, ["Yes."])
    conversation = send(webchat)
    claim_reply()
    dead = Reply.objects.create(conversation=conversation, based_on_sequence=1, prompt_version=1)
    settled = add_running_call(webchat, purpose="reply", reply_id=dead.pk)
    Job.objects.update(leased_until=timezone.now())
    run_replies()
    assert get_log(conversation)[-1] == "ai: Yes."
    settled.refresh_from_db()
    assert (settled.input_tokens, settled.is_estimated) == (100, True)


@pytest.mark.parametrize("seen", ["before the reply", "by the call"])
def test_reply_waits_without_a_slot_while_the_provider_has_all_its_calls(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    use_model(monkeypatch, ["Yes."])
    if seen == "by the call":
        monkeypatch.setattr(start, "is_busy", lambda *_: False)
    running = add_running_call(webchat, purpose="playground")
    conversation = send(webchat)
    job = claim_reply()
    with pytest.raises(queue.RetryLater):
        event_loops.run(make_reply(job))
    assert get_log(conversation) == ["visitor: Hello"]
    running.delete()
    run_job(job)
    assert get_log(conversation) == ["visitor: Hello", "ai: Yes."]


def test_reply_that_has_waited_too_long_for_a_call_calls_a_person(
    webchat: Webchat, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.AI_FIRST_TOKEN_SECONDS = settings.AI_TOTAL_SECONDS = 200
    use_model(monkeypatch, ["Yes."])
    add_running_call(webchat, purpose="playground")
    conversation = send(webchat)
    Message.objects.update(created_at=timezone.now() - timedelta(seconds=180))
    started = monotonic()
    run_replies()
    assert get_log(conversation)[1:] == ["system: handed_over"]
    assert Reply.objects.get().end_reason == "busy"
    assert monotonic() - started < 10  # Not the 20 s of the provider.
