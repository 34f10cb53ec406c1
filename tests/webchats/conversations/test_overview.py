"""What the overview shows of automatic answers."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.models import AiProvider, User
from tests.support import factories
from tests.support.ai_webchats import create_ai_webchat
from tests.support.clients import log_in
from webchats.conversations.admin.overview import AiPanel, Problem, get_panel
from webchats.conversations.replies.availability import answered_by

pytestmark = pytest.mark.django_db

NOTHING = "There is nothing to answer with"
NO_KEY = "The API key is missing"


def panel_of(user: User) -> AiPanel:
    content = get_panel(user).content
    assert isinstance(content, AiPanel)
    return content


def problems_of(user: User) -> dict[str, Problem]:
    """Return the problems that the panel shows, by title."""
    return {problem.title: problem for problem in panel_of(user).problems}


def test_webchats_with_nothing_to_answer_with_are_listed(
    admin: User, other_admin: User, session_client: Client
) -> None:
    create_ai_webchat(admin, name="With provider")
    prompt = factories.PromptFactory.create(organization=admin.organization)
    for number in range(5):
        factories.WebchatFactory.create(user=admin, prompt=prompt, name=f"Mute {number}")
    factories.WebchatFactory.create(user=admin, prompt=prompt, is_enabled=False)
    theirs = factories.PromptFactory.create(organization=other_admin.organization)
    factories.WebchatFactory.create(user=other_admin, prompt=theirs)
    problem = problems_of(admin)[NOTHING]
    assert [webchat.name for webchat in problem.named] == ["Mute 0", "Mute 1", "Mute 2"]
    assert (problem.count, problem.unnamed_count) == (5, 2)
    assert NOTHING in session_client.get("/admin/").content.decode()
    entry = factories.KnowledgeEntryFactory.create(organization=admin.organization)
    assert not problems_of(admin)
    # Entries of another prompt do not help.
    entry.prompts.set([factories.PromptFactory.create(organization=admin.organization)])
    assert problems_of(admin)[NOTHING].count == 5
    entry.prompts.add(prompt)
    assert not problems_of(admin)


def test_webchat_with_an_inactive_prompt_is_listed(admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    webchat = factories.WebchatFactory.create(user=admin, prompt=prompt, is_autopilot=False)
    assert problems_of(admin)["The prompt is inactive"].named == (webchat,)


def test_missing_api_key_of_a_provider_in_use_is_the_only_problem(admin: User, rep: User) -> None:
    lost, _ = factories.AiProviderFactory.create_batch(2, organization=admin.organization)
    assert not problems_of(admin)
    prompt = factories.PromptFactory.create(organization=admin.organization, provider=lost)
    assert problems_of(admin)[NO_KEY].providers == (lost,)
    assert not problems_of(rep)
    webchat = factories.WebchatFactory.create(user=admin, prompt=prompt)
    for user, providers in ((admin, (lost,)), (rep, ())):
        assert problems_of(user).keys() == {NO_KEY}
        problem = problems_of(user)[NO_KEY]
        assert (problem.named, problem.providers) == ((webchat,), providers)
        assert NO_KEY in log_in(user).get("/admin/").content.decode()


def test_figure_counts_the_webchats_whose_automatic_answers_need_attention(
    admin: User, rep: User
) -> None:
    def get_text(user: User) -> str:
        page = log_in(user).get("/admin/").content.decode()
        return " ".join(re.sub(r"<[^>]*>", " ", page).split())

    domains = ["a.example"]
    webchat = create_ai_webchat(admin, allowed_domains=domains)
    assert "1 enabled 0 need attention" in get_text(admin)
    assert "No issues found." in get_text(admin)
    AiProvider.objects.update(last_error="Quota", last_error_at=timezone.now())
    assert "1 enabled 1 needs attention" in get_text(admin)
    # Only administrators see the failures of providers.
    assert "1 enabled 0 need attention" in get_text(rep)
    AiProvider.objects.update(last_error_at=None)
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    factories.WebchatFactory.create(user=webchat.user, prompt=prompt, allowed_domains=domains)
    assert "2 enabled 1 needs attention" in get_text(rep)
    assert "No issues found." not in get_text(rep)


def test_last_error_of_a_provider_is_shown_to_administrators(admin: User, rep: User) -> None:
    webchat = create_ai_webchat(admin)
    assert panel_of(admin).failed_providers == ()
    now = timezone.now()
    error = "The API key is <wrong>."
    AiProvider.objects.update(last_error=error, last_error_at=now)
    assert [row.name for row in panel_of(admin).failed_providers] == ["Model"]
    assert "The API key is &lt;wrong&gt;." in log_in(admin).get("/admin/").content.decode()
    assert "The API key is" not in log_in(rep).get("/admin/").content.decode()
    other = factories.UserFactory.create()
    assert panel_of(other).failed_providers == ()
    AiProvider.objects.update(last_ok_at=now + timedelta(minutes=1))
    assert panel_of(admin).failed_providers == ()
    assert not problems_of(webchat.user)


def test_checklist_has_steps_for_providers_and_knowledge(admin: User, rep: User) -> None:
    def steps(user: User) -> dict[str, bool]:
        checklist = log_in(user).get("/admin/").context["checklist"]
        return {step.title: step.is_done for step in checklist.steps}

    assert steps(admin)["Connect an AI provider"] is False
    assert steps(admin)["Write knowledge"] is False
    create_ai_webchat(admin)
    factories.KnowledgeEntryFactory.create(organization=admin.organization)
    assert steps(admin)["Connect an AI provider"] is False
    AiProvider.objects.update(last_ok_at=timezone.now())
    assert steps(admin)["Connect an AI provider"] is True
    assert steps(admin)["Write knowledge"] is True
    head = factories.UserFactory.create(
        organization=admin.organization, access_role="DEPARTMENT_HEAD"
    )
    assert "Connect an AI provider" not in steps(head)
    assert "Write knowledge" not in steps(rep)


def test_a_webchat_is_listed_if_a_person_answers_its_visitors(admin: User) -> None:
    """Knowledge does not replace a provider that cannot be called."""
    webchat = create_ai_webchat(admin)
    factories.KnowledgeEntryFactory.create(organization=admin.organization)
    for model in ("model-1", ""):
        AiProvider.objects.update(default_model=model)
        webchat.refresh_from_db()
        is_listed = answered_by(webchat.prompt) == "person"
        assert is_listed == (not model)
        assert problems_of(admin).keys() == ({"The model is missing"} if is_listed else set())


def test_overview_does_not_read_instructions(admin: User, session_client: Client) -> None:
    create_ai_webchat(admin)
    with CaptureQueriesContext(connection) as queries:
        assert session_client.get("/admin/").status_code == 200
    assert not [query["sql"] for query in queries if "instructions" in query["sql"]]
