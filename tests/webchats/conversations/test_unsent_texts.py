"""Unsent texts of representatives."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from organizations.models import User
from tests.support.clients import log_in, token_client
from tests.webchats.conversations.inbox.conftest import answer, write
from webchats.conversations import services
from webchats.conversations.models import Conversation, UnsentText
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(webchat: Webchat) -> Conversation:
    """A conversation of the organization of ``rep``."""
    return write(webchat)


@pytest.fixture
def rep_api(rep: User) -> APIClient:
    """A client of the API, authenticated as ``rep``."""
    return token_client(rep)


def path(row: Conversation) -> str:
    return f"/api/conversations/{row.pk}/unsent-text"


def test_text_is_stored_replaced_and_deleted(
    rep_api: APIClient, conversation: Conversation
) -> None:
    nothing = {"text": "", "isNote": False}
    assert rep_api.get(path(conversation)).json() == {"data": nothing}
    for body in ({"text": " Yes, in", "isNote": False}, {"text": "Ask Kim", "isNote": True}):
        assert rep_api.post(path(conversation), body).status_code == 204
        assert rep_api.get(path(conversation)).json() == {"data": body}
    assert UnsentText.objects.count() == 1
    assert rep_api.post(path(conversation), {"text": ""}).status_code == 204
    assert rep_api.get(path(conversation)).json() == {"data": nothing}


def test_only_its_author_reads_it(
    rep_api: APIClient, api_client: APIClient, other_admin: User, conversation: Conversation
) -> None:
    rep_api.post(path(conversation), {"text": "Secret"})
    assert api_client.get(path(conversation)).json()["data"]["text"] == ""
    stranger = token_client(other_admin)
    assert stranger.get(path(conversation)).status_code == 404
    assert stranger.post(path(conversation), {"text": "x"}).status_code == 404


@pytest.mark.parametrize(("text", "status"), [("x" * 4001, 422), ("\x00", 400)])
def test_invalid_text_is_not_stored(
    text: str, status: int, rep: User, rep_api: APIClient, conversation: Conversation
) -> None:
    assert rep_api.post(path(conversation), {"text": text}).status_code == 400
    url = f"/admin/inbox/{conversation.pk}/unsent-text/"
    assert log_in(rep).post(url, {"mode": "reply", "text": text}).status_code == status
    assert not UnsentText.objects.exists()


def test_sending_and_adding_a_note_delete_the_text_of_the_author(
    rep: User, admin: User, conversation: Conversation
) -> None:
    for user in (rep, admin):
        services.save_unsent_text(conversation=conversation, user=user, text="Hi")
    answer(conversation, rep)
    assert [row.user for row in UnsentText.objects.all()] == [admin]
    services.add_note(conversation=conversation, user=admin, text="Hi")
    assert not UnsentText.objects.exists()


def test_the_composer_has_the_text_and_its_kind(rep: User, conversation: Conversation) -> None:
    url = f"/admin/inbox/{conversation.pk}/"
    client: Client = log_in(rep)
    saved = client.post(f"{url}unsent-text/", {"mode": "note", "text": "Ask\r\n<Kim>"})
    assert saved.status_code == 204
    page = client.get(url).content.decode()
    assert ">Ask\n&lt;Kim&gt;</textarea>" in page
    assert 'value="note" checked' in page
