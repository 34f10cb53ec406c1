"""The menu of a row in the list: copy the snippet, duplicate, enable or disable."""

import pytest
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.admin.pages import LIST
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def action_url(webchat: Webchat, name: str) -> str:
    """Return the URL of an action on one webchat."""
    return f"{LIST}{webchat.pk}/{name}/"


def test_the_menu_has_the_snippet_and_the_actions(session_client: Client, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    page = session_client.get(LIST).content.decode()
    snippet = f"src=&quot;http://testserver/embed.js&quot; data-webchat=&quot;{webchat.pk}&quot;"
    assert snippet in page
    assert f'formaction="{action_url(webchat, "duplicate")}"' in page
    assert f'formaction="{action_url(webchat, "disable")}"' in page
    assert action_url(webchat, "enable") not in page


def test_a_webchat_is_disabled_and_enabled_from_its_menu(
    session_client: Client, admin: User
) -> None:
    webchat, other = factories.WebchatFactory.create_batch(2, user=admin)
    response = session_client.post(action_url(webchat, "disable"), follow=True)
    assert "1 webchat disabled." in response.content.decode()
    assert set(Webchat.objects.enabled()) == {other}
    assert webchat.history.first().history_user == admin
    session_client.post(action_url(webchat, "enable"))
    assert set(Webchat.objects.enabled()) == {webchat, other}


def test_a_webchat_is_duplicated_from_its_menu(session_client: Client, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin, name="Shop")
    session_client.post(action_url(webchat, "duplicate"))
    assert Webchat.objects.exclude(pk=webchat.pk).get().name == "Shop (copy)"


def test_an_action_of_the_menu_returns_to_the_filtered_list(
    session_client: Client, admin: User
) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    query = {"is_enabled__exact": "1", "q": webchat.name.split()[0]}
    page = session_client.get(LIST, query).content.decode()
    start = page.index(action_url(webchat, "disable"))
    url = page[start : page.index('"', start)]
    response = session_client.post(url)
    assert response.headers["Location"] == f"{LIST}?is_enabled__exact=1&q=Webchat"


def test_a_link_does_not_run_an_action(session_client: Client, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    response = session_client.get(action_url(webchat, "disable"), follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "Nothing was changed, because you were signed out." in response.content.decode()
    webchat.refresh_from_db()
    assert webchat.is_enabled


def test_sales_rep_has_only_the_snippet_in_the_menu(rep: User) -> None:
    webchat = factories.WebchatFactory.create(user=rep)
    client = log_in(rep)
    page = client.get(LIST).content.decode()
    assert "Copy snippet" in page
    assert "formaction" not in page
    for name in ("duplicate", "enable", "disable"):
        assert client.post(action_url(webchat, name)).status_code == 403
    assert Webchat.objects.enabled().count() == 1


def test_an_action_on_the_webchat_of_another_organization_is_not_found(
    session_client: Client, other_admin: User
) -> None:
    webchat = factories.WebchatFactory.create(user=other_admin)
    for name in ("duplicate", "disable"):
        assert session_client.post(action_url(webchat, name)).status_code == 404
    assert Webchat.objects.enabled().count() == 1
