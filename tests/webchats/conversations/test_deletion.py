"""Deletion of knowledge entries and contacts: what the pages and the deletion read."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from organizations.models import Organization, Prompt, User
from organizations.tenancy import deletion
from organizations.tenancy.deletion import DeletionMixin
from tests.support import factories
from tests.support.clients import log_in, token_client
from tests.support.threads import run_at_once
from tests.webchats.conversations.test_admin import read_text
from webchats.conversations.models import KnowledgeEntry

pytestmark = pytest.mark.django_db

KNOWLEDGE = "/admin/conversations/knowledgeentry/"


def _selects(queries: CaptureQueriesContext, columns: str) -> list[str]:
    """Return the statements that select columns, such as ``"table"."column"``, or their joins."""
    texts = [query["sql"].split(" WHERE ")[0] for query in queries.captured_queries]
    return [text for text in texts if text.startswith("SELECT") and columns in text]


def test_deletion_of_entries_reads_none_of_the_links_to_their_prompts(
    session_client: Client, admin: User
) -> None:
    prompts = factories.PromptFactory.create_batch(2, organization=admin.organization)
    entries = [
        factories.KnowledgeEntryFactory.create(organization=admin.organization) for _ in range(2)
    ]
    for entry in entries:
        entry.prompts.set(prompts)
    body = {"action": "delete_selected", "_selected_action": [entry.pk for entry in entries]}
    with CaptureQueriesContext(connection) as queries:
        page = session_client.post(KNOWLEDGE, body).content.decode()
        session_client.post(KNOWLEDGE, {**body, "post": "yes"})
    assert "<h1>Delete 2 knowledge entries</h1>" in page
    assert not _selects(queries, '"conversations_knowledgeentry_prompts"')
    assert not KnowledgeEntry.objects.exists()
    assert not KnowledgeEntry.prompts.through.objects.exists()
    assert Prompt.objects.count() == 2


PROMPTS = "/admin/organizations/prompt/"


@pytest.fixture
def prompts(admin: User) -> list[Prompt]:
    """Two prompts. The first one is the only prompt of an entry, and both are those of another."""
    prompts: list[Prompt] = factories.PromptFactory.create_batch(2, organization=admin.organization)
    for question, own in (("Prices?", prompts[:1]), ("Delivery?", prompts)):
        entry = factories.KnowledgeEntryFactory.create(
            organization=admin.organization, question=question
        )
        entry.prompts.set(own)
    factories.KnowledgeEntryFactory.create(organization=admin.organization, question="Open?")
    return prompts


def test_the_only_prompt_of_an_entry_cannot_be_deleted(
    api_client: APIClient, session_client: Client, prompts: list[Prompt]
) -> None:
    first, second = prompts
    response = api_client.delete(f"/api/prompts/{first.pk}")
    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert "in use by 1 knowledge entry and" in response.json()["error"]
    for page in (
        read_text(session_client.get(f"{PROMPTS}{first.pk}/delete/")),
        read_text(session_client.post(f"{PROMPTS}{first.pk}/delete/", {"post": "yes"})),
    ):
        assert (
            "It is used by: Knowledge entry: Prices? 1 knowledge entry. Without this prompt,"
            in page
        )
        assert "Select other prompts for them, or delete them first." in page
        assert "Delivery?" not in page
    assert Prompt.objects.count() == 2

    assert api_client.delete(f"/api/prompts/{second.pk}").status_code == 200
    KnowledgeEntry.objects.exclude(question="Open?").delete()
    assert api_client.delete(f"/api/prompts/{first.pk}").status_code == 200


def test_prompts_of_an_entry_cannot_be_deleted_together(
    session_client: Client, prompts: list[Prompt]
) -> None:
    KnowledgeEntry.objects.get(question="Prices?").delete()
    body = {"action": "delete_selected", "_selected_action": [prompt.pk for prompt in prompts]}
    page = read_text(session_client.post(PROMPTS, {**body, "post": "yes"}))
    assert "Nothing was deleted. Used by: Knowledge entry: Delivery? 1 knowledge entry." in page
    assert Prompt.objects.count() == 2


@pytest.mark.usefixtures("prompts")
def test_an_organization_is_deleted_with_the_prompts_of_its_entries(
    superuser: User, organization: Organization
) -> None:
    url = f"/admin/organizations/organization/{organization.pk}/delete/"
    log_in(superuser).post(url, {"post": "yes"})
    assert not Organization.objects.exists()
    assert not KnowledgeEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_prompts_of_an_entry_that_are_deleted_at_once_leave_one(
    admin: User, prompts: list[Prompt]
) -> None:
    KnowledgeEntry.objects.get(question="Prices?").delete()
    clients = [token_client(admin) for _ in prompts]
    responses = run_at_once(
        2, lambda number: clients[number].delete(f"/api/prompts/{prompts[number].pk}")
    )
    assert sorted(response.status_code for response in responses) == [200, 409]
    assert KnowledgeEntry.objects.get(question="Delivery?").prompts.count() == 1


def test_prompts_that_are_used_after_the_check_are_not_deleted(
    session_client: Client, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_no_uses(*_: object) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        return [], {}, set(), []

    monkeypatch.setattr(DeletionMixin, "get_deleted_objects", find_no_uses)
    url = f"{PROMPTS}{prompts[0].pk}/delete/"
    assert session_client.post(url, {"post": "yes"}).headers["Location"] == url
    body = {"action": "delete_selected", "_selected_action": [prompts[0].pk], "post": "yes"}
    page = read_text(session_client.post(PROMPTS, body, follow=True))
    assert "Nothing was deleted: in use by 1 knowledge entry." in page
    assert Prompt.objects.count() == 2


def test_an_organization_is_not_deleted_with_too_many_conversations(
    superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = factories.ConversationFactory.create()
    factories.ConversationFactory.create(
        webchat=conversation.webchat, contact=conversation.contact, visitor_id="b" * 32
    )
    monkeypatch.setattr(deletion, "MAX_DETAILS", 1)
    client = log_in(superuser)
    url = f"/admin/organizations/organization/{conversation.organization_id}/delete/"
    for response in (client.get(url), client.post(url, {"post": "yes"})):
        assert "more than 1 conversations, which would be deleted" in read_text(response)
    monkeypatch.setattr(deletion, "MAX_DETAILS", 2)
    client.post(url, {"post": "yes"})
    assert not Organization.objects.exists()
