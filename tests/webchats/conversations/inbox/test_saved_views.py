"""Saved views in the inbox: saving, renaming, deleting, and what others see of them."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.conversations.inbox.conftest import write
from webchats.conversations.models import SavedView
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

LIST = reverse("inbox:list")
QUERY = "state=open&unread=true&filters=1"


def save(client: Client, query: str = QUERY, **values: Any) -> Any:
    data = {"view-name": "Unread", **values}
    return client.post(f"{reverse('inbox:save-view')}?{query}", data)


def views_of(client: Client, query: str = QUERY) -> dict[str, str]:
    """Return the query strings of the saved views by their names."""
    page = client.get(f"{LIST}?{query}").content.decode()
    links = re.findall(r'<a id="view-[0-9a-f]{24}" href="[^"?]*\?([^"]*)"[^>]*>([^<]*)</a>', page)
    return {name: query_string.replace("&amp;", "&") for query_string, name in links}


def test_view_is_saved_renamed_and_deleted(rep: User, rep_client: Client, admin: User) -> None:
    response = save(rep_client)
    assert response.headers["Location"] == f"{LIST}?{QUERY}"
    view = SavedView.objects.get()
    assert (view.user, view.query, view.is_shared) == (rep, "state=open&unread=true", False)
    assert views_of(rep_client) == {"Unread": "state=open&unread=true"}
    assert views_of(log_in(admin)) == {}
    page = rep_client.get(f"{LIST}?{QUERY}").content.decode()
    assert f'<a id="view-{view.pk}"' in page
    assert "Save changes" in page
    values = {"view-name": "Open unread", "view-is_shared": "on"}
    rep_client.post(f"{reverse('inbox:change-view', args=[view.pk])}?{QUERY}", values)
    assert views_of(log_in(admin)) == {"Open unread": "state=open&unread=true"}
    rep_client.post(f"{reverse('inbox:delete-view', args=[view.pk])}?{QUERY}")
    assert not SavedView.objects.exists()


def test_all_conversations_are_a_view(rep_client: Client, webchat: Webchat) -> None:
    write(webchat)
    save(rep_client, "state=", **{"view-name": "<b>Everything</b>"})
    page = rep_client.get(f"{LIST}?state=").content.decode()
    assert ">&lt;b&gt;Everything&lt;/b&gt;</a>" in page
    assert f'href="{LIST}?state="' in page


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "This field is required."),
        ("x" * 61, "at most 60 characters"),
        ("Mine", "You have a view with this name."),
    ],
)
def test_invalid_view_is_shown_with_its_error(
    name: str, error: str, rep: User, rep_client: Client
) -> None:
    factories.SavedViewFactory.create(user=rep, name="Mine")
    response = save(rep_client, **{"view-name": name})
    assert response.status_code == 422
    assert error in response.content.decode()
    assert SavedView.objects.count() == 1


def test_view_of_another_user_is_not_changed(
    rep: User, rep_client: Client, admin: User, other_admin: User
) -> None:
    views = {
        403: factories.SavedViewFactory.create(user=admin),
        404: factories.SavedViewFactory.create(user=admin, is_shared=False),
        # The admin of another organization.
        4040: factories.SavedViewFactory.create(user=other_admin),
    }
    for status, view in views.items():
        for route in ("change-view", "delete-view"):
            url = reverse(f"inbox:{route}", args=[view.pk])
            response = rep_client.post(url, {"view-name": "New"})
            assert response.status_code == int(str(status)[:3])
    assert not SavedView.objects.filter(name="New").exists()
    assert SavedView.objects.count() == 3
    # An administrator changes shared views.
    url = reverse("inbox:delete-view", args=[views[403].pk])
    assert log_in(admin).post(url).status_code == 302


def test_superuser_saves_a_view_of_the_chosen_organization(
    superuser: User, webchat: Webchat
) -> None:
    client = log_in(superuser)
    assert save(client).status_code == 404
    save(client, f"{QUERY}&organization={webchat.organization_id}")
    view = SavedView.objects.get()
    assert (view.organization_id, view.query) == (webchat.organization_id, "state=open&unread=true")


def test_saving_needs_the_csrf_token_and_a_session(rep: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(rep)
    assert save(client).status_code == 403
    assert save(Client()).status_code == 302
    assert not SavedView.objects.exists()
