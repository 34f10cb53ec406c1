"""Which tests the plugin marks as using the database."""

import os
from typing import Any

import pytest

from organizations.models import Organization, User


def is_marked(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("database") is not None


@pytest.mark.django_db
def test_a_test_with_the_mark_django_db_is_marked(request: pytest.FixtureRequest) -> None:
    assert is_marked(request)


def test_a_test_whose_fixtures_use_the_database_is_marked(
    request: pytest.FixtureRequest, admin: User
) -> None:
    assert is_marked(request)


def test_a_test_with_a_server_is_marked(request: pytest.FixtureRequest, live_server: Any) -> None:
    assert is_marked(request)


def test_a_test_that_asks_for_the_url_is_marked(
    request: pytest.FixtureRequest, database_url: str
) -> None:
    assert is_marked(request)
    assert os.environ["DATABASE_URL"] == database_url


def test_an_unmarked_test_cannot_use_the_database(request: pytest.FixtureRequest) -> None:
    assert not is_marked(request)
    assert os.environ["DATABASE_URL"].startswith("postgres://unmarked-test@127.0.0.1:1/")
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Organization.objects.exists()
