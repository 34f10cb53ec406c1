"""Fixtures of every test: three people, a client for each, a clean cache."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from rest_framework.test import APIClient

from organizations.authentication import AccessToken
from organizations.models import Organization, User
from tests import factories


def pytest_configure() -> None:
    """SQLite in a file, as in real use: Django's own choice for tests is memory."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        file = Path(database["NAME"]).with_name("test.sqlite3")
        database.setdefault("TEST", {})["NAME"] = str(file)


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    """Rate limits count from nothing in each test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def organization(db: None) -> Organization:
    """The organization of ``admin`` and ``rep``."""
    return factories.OrganizationFactory.create()


@pytest.fixture
def admin(organization: Organization) -> User:
    """May read and write."""
    return factories.UserFactory.create(organization=organization, access_role="ADMIN")


@pytest.fixture
def rep(organization: Organization) -> User:
    """May read."""
    return factories.UserFactory.create(organization=organization, access_role="SALES_REP")


@pytest.fixture
def stranger(db: None) -> User:
    """An administrator of another organization."""
    return factories.UserFactory.create(access_role="ADMIN")


@pytest.fixture
def superuser(db: None) -> User:
    """Belongs to no organization and sees all."""
    return factories.SuperuserFactory.create()


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """``api(user)`` is a client signed in as the user; ``api(None)`` has no credential."""

    def client(user: User | None, **options: Any) -> APIClient:
        made = APIClient(**options)
        if user is not None:
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
        return made

    return client
