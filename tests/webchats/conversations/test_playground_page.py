"""The playground on the page of a prompt."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from organizations.jobs import queue
from organizations.models import Prompt, User
from tests.support import event_loops, factories
from tests.support.clients import log_in
from webchats.conversations import playground

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = {"instructions": "Unsaved", "temperature": "0.5", "max_tokens": "100", "model": ""}


@pytest.fixture
def prompt(admin: User) -> Prompt:
    """A prompt of the organization, with an answer."""
    factories.KnowledgeEntryFactory.create(
        organization=admin.organization,
        question="How long does delivery take?",
        answer="<b>Two</b> days.",
    )
    prompt: Prompt = factories.PromptFactory.create(organization=admin.organization)
    return prompt


def start(client: Client, prompt: Prompt, question: str, **values: Any) -> Any:
    url = reverse("playground:start", args=[prompt.pk])
    return client.post(url, {**VALUES, "question": question, **values})


def test_question_is_answered_with_unsaved_values(admin: User, prompt: Prompt) -> None:
    client = log_in(admin)
    page = client.get(reverse("admin:organizations_prompt_change", args=[prompt.pk]))
    assert 'hx-include="#prompt_form"' in page.content.decode()
    assert "No AI model is connected" in page.content.decode()
    waiting = start(client, prompt, "How long does delivery take?").content.decode()
    match = re.search(r'hx-get="([^"]+)"', waiting)
    assert match is not None
    (job,) = queue.claim([playground.KIND], 1)
    assert job.payload["fields"]["instructions"] == "Unsaved"
    event_loops.run(playground.run_playground(job))
    answer = client.get(match[1]).content.decode()
    assert "&lt;b&gt;Two&lt;/b&gt; days." in answer
    assert "Done." in answer
    assert "No AI model made this answer" in answer
    assert "hx-get" not in answer
    prompt.refresh_from_db()
    assert prompt.instructions != "Unsaved"
    colleague = factories.UserFactory.create(organization=admin.organization)
    assert log_in(colleague).get(match[1]).status_code == 404


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"question": " "}, "Enter a question"),
        ({"instructions": ""}, "Instructions: This field is required."),
        ({"temperature": "9"}, "Temperature: "),
    ],
)
def test_invalid_values_are_refused(
    admin: User, prompt: Prompt, values: dict[str, str], error: str
) -> None:
    response = start(log_in(admin), prompt, **{"question": "When?", **values})
    assert response.status_code == 422
    assert error in response.content.decode()
    assert not queue.claim([playground.KIND], 1)


def test_provider_of_another_organization_is_refused(admin: User, prompt: Prompt) -> None:
    provider = factories.AiProviderFactory.create()
    response = start(log_in(admin), prompt, "When?", provider=provider.pk)
    assert response.status_code == 422


def test_representatives_and_other_organizations_have_no_playground(
    rep: User, other_admin: User, prompt: Prompt
) -> None:
    page = log_in(rep).get(reverse("admin:organizations_prompt_change", args=[prompt.pk]))
    assert "playground" not in page.content.decode()
    assert start(log_in(rep), prompt, "When?").status_code == 403
    assert start(log_in(other_admin), prompt, "When?").status_code == 404
    assert start(Client(), prompt, "When?").status_code == 302
