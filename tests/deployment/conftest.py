"""Fixtures of the deployment tests."""

import os
from collections.abc import Iterator

import pytest

from tests.deployment import service


@pytest.fixture(scope="module")
def empty_database(database_url: str) -> Iterator[str]:
    """The URL of an empty database on the suite's PostgreSQL server."""
    if not database_url.startswith("postgres"):
        pytest.skip("PostgreSQL only: run without --database sqlite.")
    with service.temporary_database(database_url, f"deployment_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the collected static files."""
    folder = str(tmp_path_factory.mktemp("static"))
    environment = service.production_environment("sqlite://:memory:", STATIC_ROOT=folder)
    service.manage("collectstatic", "--noinput", **environment)
    return folder
