"""The pytest plugin that chooses the database: ``--database postgres`` (default) or ``sqlite``.

``TEST_DATABASE_URL`` names a server to use instead of the one that the suite starts by itself.
Loaded by ``-p`` in ``pyproject.toml``, since Django's settings read the URL when they are imported.
"""

import os
import tempfile
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from tests.support.postgres import running_postgres


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--database",
        choices=("postgres", "sqlite"),
        default="postgres",
        help="the database the suite runs on (postgres is started and stopped by the suite)",
    )


# A wrapper, because pytest-django imports the settings in the same hook.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set ``DATABASE_URL`` before the settings are read; workers inherit it."""
    asked = early_config.known_args_namespace
    if "PYTEST_XDIST_WORKER" not in os.environ and not (asked.help or asked.version):
        resources = ExitStack()
        early_config.add_cleanup(resources.close)
        os.environ["DATABASE_URL"] = _database_url(early_config, resources)
    return (yield)


def _database_url(config: pytest.Config, resources: ExitStack) -> str:
    if config.known_args_namespace.database == "sqlite":
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="webchats-"))
        return f"sqlite:///{folder}/db.sqlite3"
    return os.environ.get("TEST_DATABASE_URL") or resources.enter_context(running_postgres())
