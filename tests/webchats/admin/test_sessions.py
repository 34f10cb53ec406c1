"""The button that ends the sessions of a webchat's visitors."""

import pytest
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.support.visitors import Visitor
from tests.webchats.admin.pages import LIST, change_url
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def sessions_url(webchat: Webchat) -> str:
    """Return the URL of the page that ends the sessions."""
    return f"{LIST}{webchat.pk}/end-sessions/"


def test_sessions_end_after_a_confirmation(
    session_client: Client, admin: User, webchat: Webchat
) -> None:
    visitor = Visitor(webchat)
    assert sessions_url(webchat) in session_client.get(change_url(webchat)).content.decode()
    page = session_client.get(sessions_url(webchat)).content.decode()
    assert "End the sessions of all visitors" in page
    assert visitor.get("messages").status_code == 200
    response = session_client.post(sessions_url(webchat), follow=True)
    assert response.redirect_chain == [(change_url(webchat), 302)]
    assert "All sessions are ended." in response.content.decode()
    assert visitor.get("messages").status_code == 401
    assert Visitor(webchat).get("messages").status_code == 200


def test_the_end_of_sessions_is_in_the_history(
    session_client: Client, admin: User, webchat: Webchat
) -> None:
    session_client.post(sessions_url(webchat))
    newest = session_client.get(f"{LIST}{webchat.pk}/history/").context["versions"][0]
    assert newest.user == admin
    assert [change.field for change in newest.changes] == ["sessions valid from"]


def test_sales_rep_cannot_end_sessions(rep: User) -> None:
    webchat = factories.WebchatFactory.create(user=rep)
    client = log_in(rep)
    assert sessions_url(webchat) not in client.get(change_url(webchat)).content.decode()
    assert client.get(sessions_url(webchat)).status_code == 403
    assert client.post(sessions_url(webchat)).status_code == 403
    webchat.refresh_from_db()
    assert webchat.sessions_valid_from is None


def test_sessions_of_another_organization_cannot_be_ended(
    session_client: Client, other_admin: User
) -> None:
    webchat = factories.WebchatFactory.create(user=other_admin)
    assert session_client.get(sessions_url(webchat)).status_code == 404
    assert session_client.post(sessions_url(webchat)).status_code == 404
