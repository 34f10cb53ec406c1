"""Pytest plugin that selects the database: ``--database postgres`` (default) or ``sqlite``.

It sets the environment variable ``DATABASE_URL`` before Django's settings are imported. So it is
loaded early, by ``-p`` in ``pyproject.toml``. ``TEST_DATABASE_URL`` names an existing
PostgreSQL server; without it the suite starts its own.

Every test that uses the database gets the marker ``database``, so that a second run on another
database can leave out the rest: ``pytest --database sqlite -m database``. A test uses the database
if it has the marker ``django_db`` or depends on one of the fixtures in ``DATABASE_FIXTURES``. All
other tests see a ``DATABASE_URL`` that refuses connections, so that none can use the database
unmarked in a process that it starts.
"""

import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest

from tests.support.postgres import running_postgres

DATABASE_FIXTURES = {"database_url", "db", "django_db_setup", "live_server", "transactional_db"}
#: Port 1 (tcpmux) of the loopback interface: nothing listens there.
UNREACHABLE_URL = "postgres://unmarked-test@127.0.0.1:1/unmarked-test"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--database``."""
    parser.addoption(
        "--database",
        choices=("postgres", "sqlite"),
        default="postgres",
        help="the database to run the suite on; a PostgreSQL server is started for the run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker ``database``."""
    config.addinivalue_line(
        "markers", "database: uses the database (added by tests/support/database.py)"
    )


# A wrapper, because pytest-django imports the settings in the same hook.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set ``DATABASE_URL`` before the settings are imported; xdist's workers inherit it."""
    options = early_config.known_args_namespace
    if "PYTEST_XDIST_WORKER" not in os.environ and not (options.help or options.version):
        resources = ExitStack()
        early_config.add_cleanup(resources.close)
        os.environ["DATABASE_URL"] = _start_database(options.database, resources)
    return (yield)


def _start_database(name: str, resources: ExitStack) -> str:
    """Return the URL of a database that exists until ``resources`` is closed."""
    if name == "sqlite":
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="webchats-"))
        return f"sqlite:///{folder}/db.sqlite3"
    return os.environ.get("TEST_DATABASE_URL") or resources.enter_context(running_postgres())


# First, so that ``-m database`` sees the markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the database."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES:
            item.add_marker("database")


@pytest.fixture(scope="session")
def database_url() -> str:
    """The URL of the database that the suite runs on, for processes that a test starts."""
    return os.environ["DATABASE_URL"]


@pytest.fixture(autouse=True)
def _no_database_without_marker(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hide the database from the processes that a test without the marker starts."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("database") is None:
            patch.setenv("DATABASE_URL", UNREACHABLE_URL)
        yield
