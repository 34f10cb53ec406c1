"""The actions of the inbox, as forms and as requests of htmx."""

import re

import pytest
from django.urls import reverse

from organizations.models import User
from tests.support import factories
from tests.webchats.conversations.inbox.conftest import Act, answer, write
from webchats.conversations import services
from webchats.conversations.models import Conversation, Message, Note
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

HTMX = {"headers": {"HX-Request": "true"}}


def test_reply_is_sent_and_leads_back_to_the_thread(
    act: Act, rep: User, conversation: Conversation
) -> None:
    url = reverse("inbox:conversation", args=[conversation.pk])
    response = act("send", {"text": "One\r\ntwo"}, query_params={"state": "open"})
    assert response.status_code == 302
    assert response.headers["Location"] == f"{url}?state=open"
    message = Message.objects.get(author="rep")
    assert (message.text, message.user) == ("One\ntwo", rep)
    assert (conversation.handler, conversation.assignee) == ("rep", rep)


def test_reply_by_htmx_returns_the_part_of_the_page_that_changes(act: Act) -> None:
    response = act("send", {"text": "Hi"}, **HTMX)
    page = response.content.decode()
    assert response.status_code == 200
    assert page.lstrip().startswith("<title>Inbox | Webchats</title>")
    assert "<html" not in page
    assert 'hx-swap-oob="true"></span>' in page
    assert ">Hi</div>" in page


def test_a_repeated_key_sends_the_reply_once(act: Act) -> None:
    for _ in range(2):
        act("send", {"text": "Hi"}, **HTMX)
    assert Message.objects.filter(author="rep").count() == 1


@pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "\ud800"])
@pytest.mark.parametrize("mode", ["reply", "note"])
def test_invalid_text_is_refused_and_kept(act: Act, text: str, mode: str) -> None:
    if text == "\ud800":
        text = "x\ufffd" * 2001  # A client cannot send a surrogate in a form.
    response = act("send", {"text": text, "mode": mode})
    assert response.status_code == 422
    assert text in response.content.decode()
    assert not Message.objects.filter(author="rep").exists()
    assert not Note.objects.exists()


def test_answer_of_a_colleague_is_shown_and_the_reply_kept(
    act: Act, admin: User, conversation: Conversation
) -> None:
    answer(conversation, admin, "The colleague's <b>answer</b>")
    response = act("send", {"text": "My answer", "after": 1}, **HTMX)
    page = response.content.decode()
    assert response.status_code == 409
    assert re.search(rf'role="alert">\s*<p><strong>{admin.public_name} answered meanwhile\.', page)
    assert "The colleague&#x27;s &lt;b&gt;answer&lt;/b&gt;</blockquote>" in page
    assert ">My answer</textarea>" in page
    assert "Send anyway</button>" in page
    assert not Message.objects.filter(text="My answer").exists()
    # The page has the new position, so sending again succeeds.
    sequence = conversation.last_sequence
    assert f'name="after" value="{sequence}"' in page
    act("send", {"text": "My answer", "after": sequence})
    assert Message.objects.filter(text="My answer").exists()


def test_note_is_stored_for_the_team_only(act: Act, rep: User, conversation: Conversation) -> None:
    act("send", {"text": "Call back", "mode": "note"})
    assert [(note.text, note.user) for note in Note.objects.all()] == [("Call back", rep)]
    assert Message.objects.count() == 1
    assert conversation.handler == "waiting"


def test_take_over_makes_the_user_responsible(
    act: Act, rep: User, conversation: Conversation
) -> None:
    act("take-over")
    assert (conversation.handler, conversation.assignee) == ("rep", rep)


def test_conversation_can_be_assigned_and_unassigned(act: Act, conversation: Conversation) -> None:
    colleague = factories.UserFactory.create(organization=conversation.organization)
    act("assign", {"assignee": colleague.pk})
    assert conversation.assignee == colleague
    act("assign", {"assignee": "", "former": colleague.pk})
    assert conversation.assignee is None


def test_close_and_reopen(act: Act, rep: User, conversation: Conversation) -> None:
    assert "Reopen" in act("close", **HTMX).content.decode()
    assert conversation.state == "closed"
    act("reopen")
    assert (conversation.state, conversation.assignee) == ("open", rep)


def test_reply_to_a_closed_conversation_reopens_it_if_the_page_said_so(
    act: Act, conversation: Conversation
) -> None:
    services.close(conversation=conversation)
    response = act("send", {"text": "Hi"})
    assert response.status_code == 409
    assert "The conversation is closed." in response.content.decode()
    act("send", {"text": "Hi", "reopen": "on"})
    assert conversation.state == "open"
    assert Message.objects.filter(text="Hi").exists()


def test_conversation_is_not_reopened_beside_a_newer_one(
    act: Act, webchat: Webchat, conversation: Conversation
) -> None:
    services.close(conversation=conversation)
    Conversation.objects.update(closed_at="2020-01-01T00:00:00Z")
    newer = write(webchat)
    assert newer != conversation
    response = act("send", {"text": "Hi", "reopen": "on"}, **HTMX)
    assert response.status_code == 409
    assert "has started another conversation" in response.content.decode()
    assert conversation.state == "closed"


def test_read_sets_the_position_of_the_organization(act: Act, conversation: Conversation) -> None:
    assert conversation.unread == 1
    act("read", {"sequence": 1}, **HTMX)
    assert conversation.unread == 0


def test_pages_alone_mark_nothing_as_read(act: Act, conversation: Conversation) -> None:
    act("conversation")
    assert conversation.unread == 1


@pytest.mark.parametrize("value", ["-1", "x", "99999999999999999999", ""])
def test_invalid_numbers_change_nothing(act: Act, value: str, conversation: Conversation) -> None:
    assert act("read", {"sequence": value}, **HTMX).status_code == 200
    assert conversation.unread == 1
    if value:
        assert act("send", {"text": "Hi", "after": value}).status_code == 422
