"""From a prompt to an answer, with the built-in provider and a server of faulty models."""

from collections.abc import Callable
from contextlib import aclosing
from time import monotonic, sleep
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock
from pytest_django import Settings

from organizations.ai.client import HAND_OVER, Turn
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.providers import get_settings
from organizations.ai.usage import reserve
from organizations.models import AiProvider, AiUsage, Prompt
from tests.support import event_loops, factories
from tests.support.models import use_model
from webchats.conversations.knowledge import runs
from webchats.conversations.knowledge.answer import Outcome
from webchats.conversations.knowledge.calls import Visible
from webchats.conversations.knowledge.phrases import refusal
from webchats.conversations.knowledge.run_events import Finished, HandOver, RunEvent
from webchats.conversations.knowledge.runs import PromptRun, run_prompt
from webchats.conversations.models.message import MAX_TEXT_LENGTH

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "We are open from Monday to Friday, all day long."
KINDS = ("openai", "anthropic")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """A tenth of the real times."""
    monkeypatch.setattr(runs, "BACK_OFF_SECONDS", 0.02)
    settings.AI_FIRST_TOKEN_SECONDS, settings.AI_TOTAL_SECONDS = 2, 6


@pytest.fixture
def prompt() -> Prompt:
    return factories.PromptFactory.create()


def add_provider(prompt: Prompt, url: str, kind: str = "openai", **values: Any) -> AiProvider:
    """Store a provider, and let the prompt use it."""
    provider = AiProvider(
        organization=prompt.organization,
        name=f"Provider {kind}",
        kind=kind,
        base_url=url,
        default_model="model-1",
        **values,
    )
    provider.api_key = "sk-the-key-of-the-test-of-runs"
    provider.save()
    prompt.provider = provider
    prompt.save()
    return provider


def make_run(prompt: Prompt, question: str = "When are you open?", **values: Any) -> PromptRun:
    turns = (Turn("visitor", question),)
    return PromptRun(prompt, prompt.organization, turns, "en", "reply", prompt_version=1, **values)


def collect(run: PromptRun) -> list[RunEvent]:
    async def read() -> list[RunEvent]:
        return [event async for event in run_prompt(run)]

    return event_loops.run(read())


def fail(run: PromptRun) -> tuple[ProviderError, str]:
    """Return the error of a run that must fail, and the text that was shown before it."""
    shown: list[str] = []

    async def read() -> None:
        async for event in run_prompt(run):
            assert isinstance(event, Visible)
            shown.append(event.text)

    with pytest.raises(ProviderError) as error:
        event_loops.run(read())
    return error.value, "".join(shown)


def usage() -> list[tuple[str, int, int, bool]]:
    rows = AiUsage.objects.order_by("created_at", "id")
    return list(rows.values_list("end_reason", "input_tokens", "output_tokens", "is_estimated"))


def test_the_built_in_provider_quotes_the_best_entry_with_its_link(prompt: Prompt) -> None:
    factories.KnowledgeEntryFactory.create(
        organization=prompt.organization,
        question="When are you open?",
        answer=TEXT,
        link="https://example.com/hours",
    )
    factories.KnowledgeEntryFactory.create(organization=prompt.organization)
    *visible, finished = collect(make_run(prompt, "When do you open?"))
    assert isinstance(finished, Finished)
    assert "".join(event.text for event in visible if isinstance(event, Visible)) == TEXT
    assert len(visible) > 1
    assert finished.answer.text == TEXT
    assert [source["link"] for source in finished.answer.sources] == ["https://example.com/hours"]
    assert (finished.trace.provider_name, finished.trace.usage) == ("Built-in", None)
    assert not AiUsage.objects.exists()


def test_the_built_in_provider_quotes_an_answer_of_maximum_length(prompt: Prompt) -> None:
    """Its line of sources does not count."""
    answer = "x" * MAX_TEXT_LENGTH
    factories.KnowledgeEntryFactory.create(
        organization=prompt.organization, question="When are you open?", answer=answer
    )
    *_, finished = collect(make_run(prompt))
    assert isinstance(finished, Finished)
    assert finished.answer.text == answer


def test_a_longer_answer_is_not_shown_to_its_end(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_provider(prompt, "https://model.example.com/v1")
    use_model(monkeypatch, ["Yes.", "x" * (MAX_TEXT_LENGTH - 3)])
    error, shown = fail(make_run(prompt))
    assert (error.kind, shown) == (ErrorKind.INCOMPLETE, "Yes.")


@pytest.mark.parametrize("text", ["\u200b", "\ufeff \n", "\u00ad\u2028"])
def test_invisible_text_does_not_end_the_time_to_the_first_word(
    text: str, prompt: Prompt, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    add_provider(prompt, "https://model.example.com/v1")
    use_model(monkeypatch, [text, "Yes."])
    visible, _ = collect(make_run(prompt))
    assert isinstance(visible, Visible)
    assert visible.text.endswith("Yes.")
    settings.AI_FIRST_TOKEN_SECONDS = 0.2
    use_model(monkeypatch, [text, lambda: sleep(0.4), "Yes."])
    error, shown = fail(make_run(prompt))
    assert (error.kind, shown) == (ErrorKind.TIMEOUT, "")


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        ("Who won the world cup?", Outcome.REFUSAL),
        ("hello", Outcome.COURTESY),
        ("Vielen Dank!", Outcome.COURTESY),
        ("hello, who won the world cup?", Outcome.REFUSAL),
    ],
)
def test_the_built_in_provider_finds_no_answer(
    prompt: Prompt, question: str, outcome: Outcome
) -> None:
    factories.KnowledgeEntryFactory.create(
        organization=prompt.organization, question="When are you open?"
    )
    *_, finished = collect(make_run(prompt, question))
    assert isinstance(finished, Finished)
    assert finished.answer.outcome == outcome
    assert finished.answer.sources == []
    assert (finished.answer.text == refusal("en")) == (outcome == Outcome.REFUSAL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_given_rules_and_knowledge_after_the_instructions(
    prompt: Prompt, kind: str, model_server: LLMock
) -> None:
    factories.KnowledgeEntryFactory.create(
        organization=prompt.organization, question="Open?", answer=TEXT
    )
    add_provider(prompt, model_server.base_url(kind), kind)
    model_server.reply(f"sources: 1\n{TEXT}")
    *_, finished = collect(make_run(prompt))
    assert isinstance(finished, Finished)
    assert finished.answer.text == TEXT
    tokens = finished.trace.usage
    assert tokens is not None
    assert usage() == [("stop", tokens.input_tokens, tokens.output_tokens, False)]
    body = str(model_server.last_request.body)
    assert prompt.organization.name in body
    parts = [body.index(text) for text in (prompt.instructions, "sources: none", TEXT)]
    assert parts == sorted(parts)


#: Faults that are tried again three times.
RETRIED = ("429", "500", "503", "408")
#: A fault, and the class of the error. The last three cut a text after a part was shown.
FAULTS: dict[str, tuple[Callable[[LLMock], LLMock], ErrorKind]] = {
    "429": (
        lambda server: server.fail(429, times=None, retry_after=0.01),
        ErrorKind.RATE_LIMITED,
    ),
    "500": (lambda server: server.fail(500, times=None), ErrorKind.SERVER_ERROR),
    "503": (
        lambda server: server.fail(503, times=None, retry_after=0.01),
        ErrorKind.SERVER_ERROR,
    ),
    "408": (lambda server: server.fail(408, times=None), ErrorKind.TIMEOUT),
    "quota": (lambda server: server.fail(429, code="insufficient_quota"), ErrorKind.QUOTA),
    "401": (lambda server: server.fail(401), ErrorKind.UNAUTHORIZED),
    "403": (lambda server: server.fail(403), ErrorKind.FORBIDDEN),
    "404": (lambda server: server.fail(404), ErrorKind.NOT_FOUND),
    "overflow": (lambda server: server.context_overflow(), ErrorKind.CONTEXT_OVERFLOW),
    "truncate": (lambda server: server.truncate(after_chunks=6), ErrorKind.INCOMPLETE),
    "disconnect": (lambda server: server.disconnect(after_chunks=6), ErrorKind.INCOMPLETE),
    "stall": (lambda server: server.stall(after_chunks=6, seconds=9), ErrorKind.TIMEOUT),
}


@pytest.mark.parametrize("kind", KINDS)
def test_faults_are_tried_again_only_if_it_can_help_and_nothing_was_shown(
    prompt: Prompt, kind: str, model_server: LLMock, settings: Settings
) -> None:
    add_provider(prompt, model_server.base_url(kind), kind)
    settings.AI_FIRST_TOKEN_SECONDS = settings.AI_TOTAL_SECONDS = 10
    found = {}
    for name, (inject, _) in FAULTS.items():
        if name == "stall":
            settings.AI_FIRST_TOKEN_SECONDS = settings.AI_TOTAL_SECONDS = 1
        inject(model_server.reset().reply(TEXT))
        error, shown = fail(make_run(prompt))
        found[name] = (len(model_server.requests), error.kind)
        assert bool(shown) == (name in ("truncate", "disconnect", "stall"))
        assert shown != TEXT
    assert found == {
        name: (4 if name in RETRIED else 1, error) for name, (_, error) in FAULTS.items()
    }
    assert AiUsage.objects.filter(settled_at=None).count() == 0


def test_a_retry_that_succeeds_is_an_answer(prompt: Prompt, model_server: LLMock) -> None:
    add_provider(prompt, model_server.base_url("openai"))
    model_server.reply(TEXT).fail(500, times=2)
    *_, finished = collect(make_run(prompt))
    assert isinstance(finished, Finished)
    assert [end for end, *_ in usage()] == ["server_error", "server_error", "stop"]


def test_the_fallback_answers_after_an_error(prompt: Prompt, model_server: LLMock) -> None:
    fallback = add_provider(prompt, model_server.base_url("anthropic"), "anthropic")
    main = add_provider(prompt, "http://127.0.0.1:9/v1", fallback=fallback)
    model_server.reply(TEXT)
    *_, finished = collect(make_run(prompt))
    assert isinstance(finished, Finished)
    assert finished.trace.provider_name == fallback.name
    main.refresh_from_db()
    assert main.last_error
    fallback.refresh_from_db()
    assert fallback.last_ok_at
    # Not after the first visible text.
    add_provider(prompt, model_server.base_url("openai"), fallback=fallback)
    model_server.reset().reply(TEXT).truncate(after_chunks=6)
    assert fail(make_run(prompt))[1]
    assert len(model_server.requests) == 1


def test_a_busy_fallback_does_not_repeat_the_calls_of_the_provider(
    prompt: Prompt, model_server: LLMock, settings: Settings
) -> None:
    settings.AI_FIRST_TOKEN_SECONDS = 2
    fallback = add_provider(prompt, model_server.base_url("openai"), max_parallel=1)
    reserve(
        get_settings(fallback),
        organization_id=prompt.organization_id,
        prompt=prompt,
        prompt_version=1,
        purpose="reply",
        estimate=1,
    )
    add_provider(prompt, model_server.base_url("openai"), fallback=fallback)
    model_server.fail(401)
    error, _ = fail(make_run(prompt, busy_deadline=monotonic() + 1.5))
    assert (error.kind, len(model_server.requests)) == (ErrorKind.BUSY, 1)


def test_knowledge_of_which_none_fits_gives_no_free_answer(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        factories.KnowledgeEntryFactory.create(
            organization=prompt.organization,
            question=f"Delivery {number}?",
            answer="parcels arrive " * 250,
        )
    add_provider(prompt, "https://model.example.com/v1")
    use_model(monkeypatch, ["We give a lifetime guarantee, ", "for free."])
    events = collect(make_run(prompt, "Who won the match?"))
    (finished,) = events
    assert isinstance(finished, Finished)
    assert (finished.answer.outcome, finished.trace.sources) == (Outcome.REFUSAL, ())


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How can I pay?", "By credit card."),
        ("Do you have a gift card?", "**How can I pay by card?**\n\nBy credit card."),
    ],
)
def test_built_in_answer_that_fits_half_of_the_words_begins_with_its_question(
    prompt: Prompt, question: str, answer: str
) -> None:
    factories.KnowledgeEntryFactory.create(
        organization=prompt.organization,
        question="How can I pay by card?",
        answer="By credit card.",
    )
    finished = collect(make_run(prompt, question))[-1]
    assert isinstance(finished, Finished)
    assert finished.answer.text == answer


def test_a_stalled_provider_leaves_time_for_its_fallback(
    prompt: Prompt, model_server: LLMock, settings: Settings
) -> None:
    factories.KnowledgeEntryFactory.create(
        organization=prompt.organization, question="When are you open?", answer=TEXT
    )
    fallback = add_provider(prompt, "", "builtin")
    add_provider(prompt, model_server.base_url("openai"), fallback=fallback)
    model_server.reply(f"sources: 1\n{TEXT}").slow_first_token(30)
    settings.AI_FIRST_TOKEN_SECONDS = 1
    started = monotonic()
    events = collect(make_run(prompt))
    assert isinstance(events[-1], Finished)
    assert events[-1].trace.provider_name == fallback.name
    assert monotonic() - started < 25


def test_a_stream_without_end_ends_at_the_deadline(
    prompt: Prompt, model_server: LLMock, settings: Settings
) -> None:
    add_provider(prompt, model_server.base_url("openai"))
    model_server.reply(" ".join(500 * ["word"])).pace(100)
    settings.AI_TOTAL_SECONDS = 0.6
    started = monotonic()
    error, shown = fail(make_run(prompt, deadline=monotonic() + 0.6))
    assert error.kind == ErrorKind.TIMEOUT
    assert shown
    assert 0.6 <= monotonic() - started < 4


def test_hand_over_is_a_tool_call_and_never_a_text(prompt: Prompt, model_server: LLMock) -> None:
    add_provider(prompt, model_server.base_url("openai"))
    model_server.call_tool(HAND_OVER, {"reason": "The visitor is upset."})
    (event,) = collect(make_run(prompt))
    assert isinstance(event, HandOver)
    assert event.reason == "The visitor is upset."
    model_server.reply("hand_over: a person will come")
    *_, finished = collect(make_run(prompt))
    assert isinstance(finished, Finished)


def test_a_spent_budget_makes_no_call(prompt: Prompt, model_server: LLMock) -> None:
    provider = add_provider(prompt, model_server.base_url("openai"), monthly_token_budget=10)
    error, _ = fail(make_run(prompt))
    assert error.kind == ErrorKind.BUDGET
    assert not model_server.requests
    provider.refresh_from_db()
    assert "budget" in provider.last_error


def test_a_closed_run_ends_the_call_and_counts_its_tokens(
    prompt: Prompt, model_server: LLMock
) -> None:
    add_provider(prompt, model_server.base_url("openai"))
    model_server.reply(TEXT).stall(after_chunks=6, seconds=30)

    async def close_after_the_first_text() -> None:
        async with aclosing(run_prompt(make_run(prompt))) as events:
            async for _ in events:
                return

    started = monotonic()
    event_loops.run(close_after_the_first_text())
    # The rest of the response would come after 30 seconds.
    assert monotonic() - started < 20
    ((end, tokens, _, is_estimated),) = usage()
    assert (end, is_estimated) == ("incomplete", True)
    assert tokens > 0
