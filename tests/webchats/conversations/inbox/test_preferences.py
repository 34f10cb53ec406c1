"""What users choose for the inbox and its notifications, on a page and in the API."""

import pytest
from django.test import Client
from pytest_django import Settings

from organizations.models import User
from tests.support.clients import token_client

pytestmark = pytest.mark.django_db

PAGE = "/admin/inbox/preferences/"
API = "/api/preferences"


def test_the_page_saves_the_choices_of_the_user_only(
    rep_client: Client, rep: User, admin: User, settings: Settings
) -> None:
    page = rep_client.get(PAGE).content.decode()
    assert page.count('type="checkbox"') - page.count(" checked") == 2
    assert "This installation sends no e-mails" in page
    response = rep_client.post(PAGE, {"uses_single_keys": "on"}, follow=True)
    assert "Your notification settings are saved." in response.content.decode()
    rep.refresh_from_db()
    admin.refresh_from_db()
    assert (rep.gets_email, rep.uses_single_keys) == (False, True)
    assert (admin.gets_email, admin.uses_single_keys) == (True, True)
    settings.EMAIL_ENABLED = True
    assert "This installation sends no e-mails" not in rep_client.get(PAGE).content.decode()


def test_the_api_changes_what_is_sent(rep: User, admin: User) -> None:
    client = token_client(rep)
    assert client.get(API).json() == {"data": {"getsEmail": True, "usesSingleKeys": True}}
    response = client.patch(API, {"getsEmail": False})
    assert response.json() == {"data": {"getsEmail": False, "usesSingleKeys": True}}
    response = client.patch(API, {"usesSingleKeys": False})
    assert response.json() == client.get(API).json()
    assert response.json() == {"data": {"getsEmail": False, "usesSingleKeys": False}}
    admin.refresh_from_db()
    assert (admin.gets_email, admin.uses_single_keys) == (True, True)
    error = client.patch(API, {"getsEmail": "no"})
    assert (error.status_code, error.json()["details"][0]["field"]) == (400, "getsEmail")
