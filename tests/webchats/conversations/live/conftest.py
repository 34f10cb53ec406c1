"""Fixtures of the tests of streams."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from organizations.models import Organization, User
from tests.support.streams import LiveServer, StreamClient, running_live
from tests.support.visitors import SITE
from webchats.conversations import services
from webchats.conversations.models import Conversation
from webchats.conversations.sessions import Session, issue_ticket, start_session
from webchats.models import Webchat

Open = Callable[..., StreamClient]
Send = Callable[..., Conversation]


@pytest.fixture
def live(transactional_db: None, settings: Settings) -> Iterator[LiveServer]:
    """The running application. Its queries have connections of their own."""
    settings.LIVE_SHUTDOWN_SECONDS = 0
    with running_live() as server:
        yield server


@pytest.fixture
def organization(live: LiveServer, organization: Organization) -> Organization:
    """The organization, stored after ``live`` requested a database with transactions."""
    return organization


@pytest.fixture
def webchat(admin: User, webchat: Webchat) -> Webchat:
    """A webchat that one site may embed."""
    webchat.allowed_domains = ["shop.example.com"]
    webchat.save()
    return webchat


@pytest.fixture
def session(webchat: Webchat) -> Session:
    """The session of a visitor of the webchat."""
    return start_session(webchat, issue_ticket(webchat, SITE))


@pytest.fixture
def open_stream(live: LiveServer, webchat: Webchat, session: Session) -> Open:
    """``open_stream("?after=3")`` opens a stream of the visitor."""

    def open_(query: str = "", **options: object) -> StreamClient:
        return live.open(f"/live/widget/{webchat.pk}{query}", session.token, **options)

    return open_


@pytest.fixture
def send(webchat: Webchat, session: Session) -> Send:
    """``send("Hello", "Bye")`` stores messages of the visitor, and returns the conversation."""

    def send_(*texts: str, visitor_id: str = session.visitor_id) -> Conversation:
        messages = [
            services.send_visitor_message(
                webchat=webchat, visitor_id=visitor_id, text=text, client_key=text[:64]
            ).message
            for text in texts
        ]
        return messages[-1].conversation

    return send_
