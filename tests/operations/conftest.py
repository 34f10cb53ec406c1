"""What the checks of operation stand on."""

import os
from collections.abc import Iterator

import pytest

from tests.operations import service


@pytest.fixture(scope="module")
def empty_database() -> Iterator[str]:
    """The URL of a database of its own, on the suite's PostgreSQL."""
    url = os.environ["DATABASE_URL"]
    if not url.startswith("postgres"):
        pytest.skip("It is about PostgreSQL: run it without --database sqlite.")
    with service.fresh_database(url, f"operations_{os.getpid()}") as database:
        yield database
