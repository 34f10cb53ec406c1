"""The pages that ask before rows are deleted: what they read, and their limits."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from organizations.models import ApiKey, Organization, Prompt, User
from organizations.tenancy import deletion
from tests.support import factories
from tests.support.clients import log_in

pytestmark = pytest.mark.django_db

PROMPTS = "/admin/organizations/prompt/"


def _reads(queries: CaptureQueriesContext, name: str) -> int:
    """Return how many SELECT statements contain the name of a table or column."""
    texts = [query["sql"] for query in queries.captured_queries]
    return sum(text.startswith("SELECT") and f'"{name}"' in text for text in texts)


def test_delete_page_of_a_user_neither_reads_nor_lists_their_log_entries(
    session_client: Client, admin: User
) -> None:
    user = factories.UserFactory.create(organization=admin.organization)
    factories.ApiKeyFactory.create(user=user, name="Import")
    LogEntry.objects.log_actions(user.pk, [user, admin], 2, "Changed")
    url = f"/admin/organizations/user/{user.pk}/delete/"
    with CaptureQueriesContext(connection) as queries:
        page = session_client.get(url).content.decode()
        session_client.post(url, {"post": "yes"})
    assert ">Import (" in page
    assert "Log entr" not in page
    assert _reads(queries, "django_admin_log") == 0
    assert not LogEntry.objects.filter(user=user.pk).exists()
    assert not User.objects.filter(pk=user.pk).exists()


def test_deletion_of_prompts_reads_their_instructions_once_for_the_history(
    session_client: Client, admin: User
) -> None:
    prompts = factories.PromptFactory.create_batch(3, organization=admin.organization)
    body = {"action": "delete_selected", "_selected_action": [prompt.pk for prompt in prompts]}
    with CaptureQueriesContext(connection) as queries:
        page = session_client.post(PROMPTS, body).content.decode()
    assert "<h1>Delete 3 prompts</h1>" in page
    assert _reads(queries, "instructions") == 0
    with CaptureQueriesContext(connection) as queries:
        session_client.post(PROMPTS, {**body, "post": "yes"})
    assert _reads(queries, "instructions") == 1
    assert not Prompt.objects.exists()
    deleted = Prompt.history.filter(history_type="-")
    assert {*deleted.values_list("instructions", flat=True)} == {"Answer in one sentence."}


def test_an_organization_has_one_deletion_at_a_time(
    session_client: Client, admin: User, rf: RequestFactory
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    body = {"action": "delete_selected", "_selected_action": [prompt.pk], "post": "yes"}
    request = rf.get("/")
    request.user = admin
    with deletion.deletion_slot(request):
        response = session_client.post(PROMPTS, body)
        assert response.status_code == 503
        assert "Another deletion is running. Nothing was deleted." in response.content.decode()
        assert Prompt.objects.exists()
    session_client.post(PROMPTS, body)
    assert not Prompt.objects.exists()


def test_rows_are_not_deleted_with_too_many_others(
    superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = factories.UserFactory.create()
    factories.ApiKeyFactory.create_batch(5, user=user)
    monkeypatch.setattr(deletion, "MAX_LISTED", 4)
    client = log_in(superuser)
    for url in (
        f"/admin/organizations/user/{user.pk}/delete/",
        f"/admin/organizations/organization/{user.organization_id}/delete/",
    ):
        for response in (client.get(url), client.post(url, {"post": "yes"})):
            assert "rows, which would be deleted with it. Delete these first." in (
                response.content.decode()
            )
    assert (ApiKey.objects.count(), Organization.objects.count()) == (5, 1)

    ApiKey.objects.all()[0].delete()
    monkeypatch.setattr(deletion, "MAX_LISTED", 6)
    client.post(url, {"post": "yes"})
    assert not Organization.objects.exists()
