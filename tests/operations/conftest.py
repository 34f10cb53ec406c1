"""What the checks of operation stand on."""

import os
from collections.abc import Iterator

import pytest

from tests.operations import service


@pytest.fixture(scope="module")
def empty_database(database_url: str) -> Iterator[str]:
    """The URL of an empty database on the suite's PostgreSQL server."""
    if not database_url.startswith("postgres"):
        pytest.skip("PostgreSQL only: run without --database sqlite.")
    with service.fresh_database(database_url, f"operations_{os.getpid()}") as database:
        yield database
