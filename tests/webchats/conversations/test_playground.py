"""The playground, and ``manage.py check_prompt``, with the built-in provider."""

import asyncio
import json
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import connections

from organizations.ai.client import Turn
from organizations.jobs import queue
from organizations.models import Prompt, User
from tests.support import event_loops, factories
from webchats.conversations import playground
from webchats.conversations.models import Conversation
from webchats.conversations.playground import start_run
from webchats.conversations.playground_states import RunState, read_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def prompt(admin: User) -> Prompt:
    """A prompt with an answer, and an answer of another organization."""
    factories.KnowledgeEntryFactory.create(question="How long is delivery?", answer="Delivery: 1")
    factories.KnowledgeEntryFactory.create(
        organization=admin.organization,
        question="How long does delivery take?",
        answer="Two days.",
        link="https://example.com/delivery",
    )
    prompt: Prompt = factories.PromptFactory.create(organization=admin.organization, name="Shop")
    return prompt


def _run(user: User, prompt: Prompt, question: str, **options: Any) -> RunState:
    """Start a run, let a worker make it, and return its state."""
    run_id = start_run(user=user, prompt=prompt, question=question, **options)
    queued = read_run(run_id, user=user)
    assert queued is not None
    assert queued["state"] == "queued"
    (job,) = queue.claim([playground.KIND], 1)
    event_loops.run(playground.run_playground(job))
    queue.complete(job)
    state = read_run(run_id, user=user)
    assert state is not None
    return state


def test_a_run_answers_from_the_knowledge_and_stores_no_conversation(
    admin: User, prompt: Prompt
) -> None:
    state = _run(admin, prompt, "How long does the delivery take?")
    assert (state["state"], state["text"], state["outcome"]) == ("finished", "Two days.", "answer")
    assert state["sources"] == [
        {
            "number": 1,
            "title": "How long does delivery take?",
            "link": "https://example.com/delivery",
        }
    ]
    trace = state["trace"]
    assert trace is not None
    assert (trace["provider"], len(trace["knowledge"])) == ("Built-in", 1)
    assert not Conversation.objects.exists()


def test_a_run_uses_unsaved_changes_and_a_prompt_that_is_not_stored(
    admin: User, prompt: Prompt
) -> None:
    prompt.instructions = "Changed"
    assert _run(admin, prompt, "Something else?")["outcome"] == "refusal"
    new = Prompt(organization=admin.organization, instructions="Be brief.")
    assert _run(admin, new, "delivery?", earlier=[Turn("visitor", "Hi")])["text"] == "Two days."
    assert [stored.instructions for stored in Prompt.objects.all()] == ["Answer in one sentence."]


def test_a_failure_is_the_state_of_the_run(
    admin: User, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(playground, "run_prompt", fail)
    state = _run(admin, prompt, "delivery?")
    assert (state["state"], "secret" in state["error"]) == ("failed", False)


def test_a_new_run_replaces_the_one_before(admin: User, prompt: Prompt) -> None:
    first, second = (start_run(user=admin, prompt=prompt, question="delivery?") for _ in range(2))
    (job,) = queue.claim([playground.KIND], 9)
    third = start_run(user=admin, prompt=prompt, question="delivery?")
    event_loops.run(playground.run_playground(job))
    queue.complete(job)
    for replaced in (first, second):
        state = read_run(replaced, user=admin)
        assert state is not None
        assert (state["state"], state["error"]) == ("failed", "You have started another run.")
    (job,) = queue.claim([playground.KIND], 9)
    event_loops.run(playground.run_playground(job))
    state = read_run(third, user=admin)
    assert state is not None
    assert state["text"] == "Two days."


def test_a_new_run_does_not_wait_for_a_provider_that_hangs(
    admin: User, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: object) -> AsyncGenerator[None]:
        await asyncio.sleep(60)
        yield

    monkeypatch.setattr(playground, "run_prompt", hang)
    monkeypatch.setattr(playground, "CHECK_SECONDS", 0.01)
    start_run(user=admin, prompt=prompt, question="delivery?")
    (job,) = queue.claim([playground.KIND], 9)
    start_run(user=admin, prompt=prompt, question="delivery?")
    event_loops.run(asyncio.wait_for(playground.run_playground(job), 5))


def test_runs_of_several_users_do_not_replace_each_other(admin: User, prompt: Prompt) -> None:
    colleague = factories.UserFactory.create(organization=admin.organization)
    for user in (admin, colleague):
        start_run(user=user, prompt=prompt, question="delivery?")
    assert len(queue.claim([playground.KIND], 9)) == 2


def test_only_the_user_who_started_a_run_can_read_it(
    admin: User, other_admin: User, prompt: Prompt
) -> None:
    run_id = start_run(user=admin, prompt=prompt, question="delivery?")
    colleague = factories.UserFactory.create(organization=admin.organization)
    assert read_run(run_id, user=admin) is not None
    assert [read_run(run_id, user=user) for user in (colleague, other_admin)] == [None, None]
    assert read_run("0" * 24, user=admin) is None
    cache.clear()
    assert read_run(run_id, user=admin) is None


def test_sales_reps_and_other_organizations_cannot_start_a_run(
    admin: User, other_admin: User, prompt: Prompt
) -> None:
    rep = factories.UserFactory.create(organization=admin.organization, access_role="SALES_REP")
    for user in (rep, other_admin):
        with pytest.raises(PermissionDenied):
            start_run(user=user, prompt=prompt, question="delivery?")


@pytest.mark.parametrize(
    ("field", "value", "question"),
    [("instructions", "", "Hi"), ("temperature", 3, "Hi"), ("question", "", " ")],
)
def test_invalid_input_is_rejected(
    admin: User, prompt: Prompt, field: str, value: Any, question: str
) -> None:
    setattr(prompt, field, value)
    with pytest.raises(ValidationError) as error:
        start_run(user=admin, prompt=prompt, question=question)
    assert error.value.message_dict.keys() == {field}


# --- check_prompt ---


def _check(path: Path, prompt: Prompt, *checks: dict[str, Any]) -> None:
    path.write_text(json.dumps(checks))
    owner = prompt.organization_id

    def call() -> None:
        # In a thread, because that of the tests may have an event loop.
        try:
            call_command("check_prompt", str(path), organization=owner, prompt="Shop")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as executor:
        executor.submit(call).result()


def test_expected_answers_pass(
    prompt: Prompt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "How long does delivery take?"
    _check(
        tmp_path / "checks.json",
        prompt,
        {"question": "delivery?", "contains": ["two DAYS"], "sources": [source], "refuses": False},
        {"question": "Where is the moon?", "refuses": True, "excludes": ["days"]},
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["ok", "ok"]
    assert lines[2] == "2 of 2 answers are as expected."


def test_an_answer_that_is_not_expected_is_a_failure(
    prompt: Prompt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = (
        {"question": "delivery?", "contains": ["three"], "sources": ["x"], "handsOver": True},
        {"question": "Where is the moon?", "refuses": False},
    )
    with pytest.raises(CommandError, match="0 of 2 answers") as error:
        _check(tmp_path / "checks.json", prompt, *checks)
    assert error.value.returncode == 1
    output = capsys.readouterr().out
    for failure in ("It lacks “three”.", "does not cite “x”", "did not hand over", "It refused."):
        assert failure in output


@pytest.mark.parametrize(
    "check", [{}, {"question": "a", "contain": []}, {"question": "a", "sources": "b"}]
)
def test_a_malformed_check_is_reported(
    prompt: Prompt, tmp_path: Path, check: dict[str, Any]
) -> None:
    with pytest.raises(CommandError, match="item 1"):
        _check(tmp_path / "checks.json", prompt, check)
