"""Saved views of the inbox in the API: who sees and changes which, and their query strings."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import User
from tests.support import factories
from tests.support.clients import token_client
from webchats.conversations.models import SavedView
from webchats.conversations.models.saved_view import MAX_VIEWS

pytestmark = pytest.mark.django_db

URL = "/api/inbox-views"


def post(client: APIClient, **body: object) -> Any:
    return client.post(URL, {"name": "Tents", "query": "search=tent", **body}, format="json")


def test_rep_saves_renames_and_deletes_a_view(rep: User) -> None:
    client = token_client(rep)
    response = post(client, query="?unread=true&state=open&handler=")
    assert response.status_code == 201, response.content
    document = response.json()["data"]
    assert document["userId"] == rep.pk
    assert document["query"] == "state=open&unread=true"
    assert document["isShared"] is False
    url = f"{URL}/{document['_id']}"
    renamed = client.patch(url, {"name": "Unread"}, format="json").json()["data"]
    assert (renamed["name"], renamed["query"]) == ("Unread", "state=open&unread=true")
    assert client.get("/api/conversations?" + renamed["query"]).status_code == 200
    assert client.delete(url).status_code == 200
    assert not SavedView.objects.exists()


def test_private_view_is_visible_to_its_user_only(rep: User, admin: User) -> None:
    private, shared = (
        factories.SavedViewFactory.create(user=rep, is_shared=shared) for shared in (False, True)
    )
    for user, seen in ((rep, {private.pk, shared.pk}), (admin, {shared.pk})):
        documents = token_client(user).get(URL).json()["data"]
        assert {document["_id"] for document in documents} == seen
    assert token_client(admin).delete(f"{URL}/{private.pk}").status_code == 404


@pytest.mark.parametrize(
    ("role", "status"), [("ADMIN", 200), ("DEPARTMENT_HEAD", 200), ("SALES_REP", 403)]
)
def test_shared_view_of_a_colleague_is_changed_by_some_roles(
    role: str, status: int, rep: User
) -> None:
    user = factories.UserFactory.create(organization=rep.organization, access_role=role)
    url = f"{URL}/{factories.SavedViewFactory.create(user=rep).pk}"
    assert token_client(user).patch(url, {"name": "New"}, format="json").status_code == status
    assert token_client(user).delete(url).status_code == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": "state=x"}, "query"),
        ({"query": "colour=red"}, "query"),
        ({"query": "lastMessageFrom=yesterday"}, "query"),
        ({"query": "search=" + "x" * 1_000}, "query"),
        ({"query": "search=%00"}, "query"),
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "Mine"}, "name"),
    ],
)
def test_it_rejects_invalid_value(body: dict[str, str], field: str, rep: User) -> None:
    factories.SavedViewFactory.create(user=rep, name="Mine")
    response = post(token_client(rep), **body)
    assert response.status_code in (400, 409), response.content
    assert field in response.content.decode()


@pytest.mark.parametrize("is_shared", [False, True])
def test_number_of_views_is_limited(is_shared: bool, rep: User, admin: User) -> None:
    views = [
        SavedView(user=rep, organization=rep.organization, name=str(number), is_shared=is_shared)
        for number in range(MAX_VIEWS)
    ]
    SavedView.objects.bulk_create(views)
    assert post(token_client(rep)).status_code == 400
    response = post(token_client(admin), isShared=is_shared)
    assert response.status_code == (400 if is_shared else 201), response.content
