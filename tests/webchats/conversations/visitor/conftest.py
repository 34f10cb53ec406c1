"""Fixtures of the tests of visitors."""

import pytest

from organizations.models import User
from tests.support import factories
from tests.support.visitors import Visitor
from webchats.models import Webchat


@pytest.fixture
def webchat(admin: User) -> Webchat:
    """A webchat that two sites may embed."""
    domains = ["shop.example.com", "other.example.com"]
    return factories.WebchatFactory.create(user=admin, allowed_domains=domains)


@pytest.fixture
def visitor(webchat: Webchat) -> Visitor:
    """A visitor of the webchat with a session."""
    return Visitor(webchat)
