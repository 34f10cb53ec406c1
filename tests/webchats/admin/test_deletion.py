"""The pages that ask before webchats are deleted."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from organizations.models import User
from organizations.tenancy.deletion import MAX_DELETED
from tests.support import factories
from tests.webchats.admin.pages import LIST
from webchats.models import LastLoad, Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def webchat(admin: User) -> Webchat:
    """A webchat that a page has loaded."""
    webchat = factories.WebchatFactory.create(user=admin, name="Shop")
    LastLoad.objects.create(webchat=webchat, host="shop.example", loaded_at=timezone.now())
    return webchat


def test_delete_page_does_not_list_the_last_load(session_client: Client, webchat: Webchat) -> None:
    url = f"{LIST}{webchat.pk}/delete/"
    page = session_client.get(url).content.decode()
    assert "Delete the webchat “Shop”? This cannot be undone." in page
    assert "Its open conversations are closed" in page
    assert "Deleted with it" not in page
    session_client.post(url, {"post": "yes"})
    assert not LastLoad.objects.exists()


def test_delete_page_of_several_webchats_names_ten_and_deletes_all(
    session_client: Client, admin: User, webchat: Webchat
) -> None:
    factories.WebchatFactory.create_batch(11, user=admin)
    keys = list(Webchat.objects.values_list("pk", flat=True))
    body = {"action": "delete_selected", "_selected_action": keys}
    page = session_client.post(LIST, body).content.decode()
    assert "<h1>Delete 12 webchats</h1>" in page
    assert "<li>and 2 more</li>" in page
    assert '<input type="submit" value="Delete">' in page
    assert "Its open conversations are closed" in page
    assert "Deleted with them" not in page
    assert not [key for key in keys if f'value="{key}"' not in page]
    session_client.post(LIST, {**body, "post": "yes"})
    assert not Webchat.objects.exists()


def test_deletion_takes_a_limited_number_of_selected_rows(
    session_client: Client, admin: User, webchat: Webchat
) -> None:
    columns = [field.attname for field in Webchat._meta.concrete_fields if not field.primary_key]
    values = {column: getattr(webchat, column) for column in columns}
    Webchat.objects.bulk_create(Webchat(**values) for _ in range(MAX_DELETED))
    body = {"action": "delete_selected", "_selected_action": [webchat.pk], "select_across": "1"}
    for confirmed in ({}, {"post": "yes"}):
        response = session_client.post(LIST, {**body, **confirmed}, follow=True)
        assert "Nothing was deleted: at most 100 webchats" in response.content.decode()
    assert Webchat.objects.count() == MAX_DELETED + 1

    session_client.post(f"{LIST}{webchat.pk}/delete/", {"post": "yes"})
    body["_selected_action"] = [Webchat.objects.values_list("pk", flat=True)[0]]
    page = session_client.post(LIST, body).content.decode()
    assert "<h1>Delete 100 webchats</h1>" in page
    keys = re.findall(r'name="_selected_action" value="(\w+)"', page)
    fields = {"action": "delete_selected", "post": "yes", "csrfmiddlewaretoken": "token"}
    session_client.post(LIST, {**fields, "_selected_action": keys})
    assert not Webchat.objects.exists()
