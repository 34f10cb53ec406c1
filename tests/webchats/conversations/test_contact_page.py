"""The page of a contact in the admin site: its conversations, moves, changes and actions."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.models import Stage, User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.conversations.test_admin import read_text, url
from webchats.conversations import contact_actions, services
from webchats.conversations.admin import contact_history
from webchats.conversations.contact_actions import ContactAction, register_contact_action
from webchats.conversations.models import Contact, StageMove
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(webchat: Webchat) -> Stage:
    return factories.StageFactory.create(
        pipeline__organization=webchat.organization, name="Offer", pipeline__name="Sales"
    )


@pytest.fixture
def contact(webchat: Webchat) -> Contact:
    contact: Contact = factories.ContactFactory.create(webchat=webchat, name="Ada")
    return contact


def add_moves(contact: Contact, stage: Stage, count: int) -> None:
    """Add moves, one each hour, the last one an hour ago."""
    now = timezone.now()
    for number in range(count):
        StageMove.objects.create(
            organization=contact.organization,
            contact=contact,
            to_stage=stage,
            to_stage_name=f"Stage {number}",
            moved_by_name="Alex",
            at=now - timedelta(hours=count - number),
        )


def test_page_shows_moves_with_user_and_duration(rep: User, contact: Contact, stage: Stage) -> None:
    contact.name = "Ada L"
    contact.save()
    services.move(contact=contact, stage=stage, user=rep)
    StageMove.objects.update(at=timezone.now() - timedelta(days=3))
    services.move(contact=contact, stage=None, user=rep)
    text = read_text(log_in(rep).get(url(contact)))
    name = rep.get_full_name()
    assert re.search(rf"Offer → to No stage .*{name} · .* · there for &lt;1 min|<1 min", text)
    assert re.search(rf"Offer \(Sales\) {name} · .* UTC · stayed 3 d", text)
    assert "Name: Ada → to Ada L" in text


def test_older_moves_and_conversations_are_pages(
    session_client: Client, contact: Contact, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_history, "PAGE_SIZE", 2)
    add_moves(contact, stage, 3)
    for number in range(3):
        factories.ConversationFactory.create(
            webchat=contact.webchat, contact=contact, last_message_preview=f"Question {number}"
        )
    first = session_client.get(url(contact))
    text = read_text(first)
    assert "Stage 2" in text
    assert "Stage 0" not in text
    assert "Question 0" not in text
    queries = re.findall(r'href="\?([^"]+)#(?:conversations|moves)"', first.content.decode())
    assert len(queries) == 2
    older = [read_text(session_client.get(f"{url(contact)}?{query}")) for query in queries]
    assert "Question 0" in older[0]
    assert "Stage 0 Alex" in older[1]
    # Until the move after it, which is on the page before.
    assert "stayed 1 h" in older[1]
    assert "Stage 2" not in older[1]


@pytest.mark.parametrize("cursor", ["x", "~", "9999-99-99~a", "2026-01-01~a", "~" * 400])
def test_malformed_cursor_shows_the_first_page(
    session_client: Client, contact: Contact, stage: Stage, cursor: str
) -> None:
    add_moves(contact, stage, 1)
    page = session_client.get(url(contact), {"moves": cursor, "conversations": cursor})
    assert "Stage 0" in read_text(page)


def test_page_needs_no_more_queries_for_more_rows(
    session_client: Client, contact: Contact, stage: Stage
) -> None:
    counts = []
    for _ in range(2):
        add_moves(contact, stage, 3)
        for _ in range(3):
            factories.ConversationFactory.create(webchat=contact.webchat, contact=contact)
        with CaptureQueriesContext(connection) as queries:
            session_client.get(url(contact))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def get_action(user: User, contact: Contact) -> ContactAction | None:
    """Return an action of administrators."""
    if user.access_role != "ADMIN":
        return None
    return ContactAction(f"Greet {contact}", "/greet", is_destructive=True)


def test_registered_actions_are_buttons_for_those_who_may_use_them(
    session_client: Client, rep: User, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_actions, "_actions", [])
    register_contact_action(f"{__name__}.get_action")
    link = '<a class="destructive" href="/greet">Greet Ada</a>'
    assert link in session_client.get(url(contact)).content.decode()
    assert link not in log_in(rep).get(url(contact)).content.decode()
