"""Deletion of knowledge entries and contacts: what the pages and the deletion read."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organizations.models import Prompt, User
from tests.support import factories
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
