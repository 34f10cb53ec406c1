"""Searches of one organization leave threads of a process for others."""

from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import User
from organizations.tenancy.concurrency import (
    MAX_SEARCHES,
    MAX_SEARCHES_OF_ONE,
    SearchesBusy,
    search_slot,
)
from tests.api.errors import assert_error
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/webchats", "/api/contacts"])
def test_a_fifth_search_of_an_organization_returns_503(
    api: Any, admin: User, rep: User, other_admin: User, path: str
) -> None:
    with ExitStack() as running:
        for _ in range(MAX_SEARCHES_OF_ONE):
            running.enter_context(search_slot(rep))
        response = api(admin).get(f"{path}?search=shop")
        others = [api(admin).get(path), api(other_admin).get(f"{path}?search=shop")]
    assert "Other searches are running." in assert_error(response, 503, "unavailable")["error"]
    assert int(response.headers["Retry-After"]) > 0
    assert {other.status_code for other in others} == {200}
    assert api(admin).get(f"{path}?search=shop").status_code == 200


def test_searches_of_the_admin_site_count(session_client: Client, admin: User) -> None:
    path = "/admin/webchats/webchat/"
    with ExitStack() as running:
        for _ in range(MAX_SEARCHES_OF_ONE):
            running.enter_context(search_slot(admin))
        response = session_client.get(f"{path}?q=shop")
        assert session_client.get(path).status_code == 200
    assert response.status_code == 503
    assert "Other searches are running. Try again" in response.content.decode()
    assert session_client.get(f"{path}?q=shop").status_code == 200


def test_autocompletion_counts_as_a_search(session_client: Client, admin: User) -> None:
    query = {"app_label": "webchats", "model_name": "webchat", "field_name": "prompt", "term": "a"}
    path = reverse("admin:autocomplete")
    with ExitStack() as running:
        for _ in range(MAX_SEARCHES_OF_ONE):
            running.enter_context(search_slot(admin))
        assert session_client.get(path, query).status_code == 503
    assert session_client.get(path, query).status_code == 200


def test_searches_of_all_organizations_leave_threads_of_the_process() -> None:
    users = factories.UserFactory.create_batch(MAX_SEARCHES + 1)
    with ExitStack() as running:
        for user in users[:-1]:
            running.enter_context(search_slot(user))
        with pytest.raises(SearchesBusy), search_slot(users[-1]):
            pass
