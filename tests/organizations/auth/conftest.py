"""Fixtures for tests of authentication."""

import pytest

from organizations.models import User
from tests.support import factories
from tests.support.authentication import PASSWORD


@pytest.fixture
def member(db: None) -> User:
    """A department head who can sign in as ``member@example.com`` with ``PASSWORD``."""
    return factories.UserFactory.create(
        email="member@example.com", password=PASSWORD, access_role="DEPARTMENT_HEAD"
    )
