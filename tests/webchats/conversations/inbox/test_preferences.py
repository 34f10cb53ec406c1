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
    settings.EMAIL_ENABLED = True
    page = rep_client.get(PAGE).content.decode()
    assert page.count('type="checkbox"') - page.count(" checked") == 2
    response = rep_client.post(PAGE, {"uses_single_keys": "on"}, follow=True)
    assert "Your settings are saved." in response.content.decode()
    rep.refresh_from_db()
    admin.refresh_from_db()
    assert (rep.gets_email, rep.uses_single_keys) == (False, True)
    assert (admin.gets_email, admin.uses_single_keys) == (True, True)


def test_without_a_mail_server_the_page_explains_that_emails_need_one(
    rep_client: Client, rep: User
) -> None:
    page = rep_client.get(PAGE).content.decode()
    assert "need a mail server" in page
    assert 'name="gets_email"' not in page
    rep_client.post(PAGE, {})
    rep.refresh_from_db()
    assert (rep.gets_email, rep.uses_single_keys) == (True, False)


def test_the_api_changes_only_the_fields_that_are_sent(rep: User, admin: User) -> None:
    client = token_client(rep)
    others = {"getsWeeklyReport": False, "usesSingleKeys": True}
    assert client.get(API).json() == {"data": {"getsEmail": True, **others}}
    response = client.patch(API, {"getsEmail": False})
    assert response.json() == {"data": {"getsEmail": False, **others}}
    response = client.patch(API, {"usesSingleKeys": False, "getsWeeklyReport": True})
    assert response.json() == client.get(API).json()
    others = {"getsWeeklyReport": True, "usesSingleKeys": False}
    assert response.json() == {"data": {"getsEmail": False, **others}}
    admin.refresh_from_db()
    assert (admin.gets_email, admin.uses_single_keys) == (True, True)
    error = client.patch(API, {"getsEmail": "no"})
    assert (error.status_code, error.json()["details"][0]["field"]) == (400, "getsEmail")


def test_only_roles_that_read_reports_are_offered_the_weekly_report(
    rep_client: Client, session_client: Client, rep: User, admin: User, settings: Settings
) -> None:
    settings.EMAIL_ENABLED = True
    label = "E-mail me the figures of last week"
    assert label not in rep_client.get(PAGE).content.decode()
    rep_client.post(PAGE, {"gets_weekly_report": "on"})
    assert label in session_client.get(PAGE).content.decode()
    session_client.post(PAGE, {"gets_weekly_report": "on"})
    rep.refresh_from_db()
    admin.refresh_from_db()
    assert (rep.gets_weekly_report, admin.gets_weekly_report) == (False, True)
