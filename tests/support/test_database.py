"""The plugin marks the tests that use the database, and hides it from all others."""

import os
from typing import Any

import pytest

from organizations.models import Organization, User


def is_marked(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("database") is not None


@pytest.mark.django_db
def test_the_mark_django_db_adds_the_marker(request: pytest.FixtureRequest) -> None:
    assert is_marked(request)


def test_a_fixture_that_depends_on_the_database_adds_the_marker(
    request: pytest.FixtureRequest, admin: User
) -> None:
    assert is_marked(request)


def test_the_live_server_adds_the_marker(request: pytest.FixtureRequest, live_server: Any) -> None:
    assert is_marked(request)


def test_the_database_url_adds_the_marker(
    request: pytest.FixtureRequest, database_url: str
) -> None:
    assert is_marked(request)
    assert os.environ["DATABASE_URL"] == database_url


def test_a_test_without_the_marker_cannot_use_the_database(request: pytest.FixtureRequest) -> None:
    assert not is_marked(request)
    assert os.environ["DATABASE_URL"].startswith("postgres://unmarked-test@127.0.0.1:1/")
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Organization.objects.exists()
