"""Fixtures of the tests of streams."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from organizations.models import Organization, User
from tests.support.streams import LiveServer, running_live
from tests.support.visitors import SITE
from webchats.conversations.sessions import Session, issue_ticket, start_session
from webchats.models import Webchat


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
