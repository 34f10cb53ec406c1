"""Properties of the repository as a whole."""

import re

import pytest
from django.core.management import call_command
from django.test import Client

from tests.support.environment import ROOT


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_lock_file_names_public_hosts_only() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_reasons_of_skipped_tests_are_reported(pytestconfig: pytest.Config) -> None:
    assert "s" in pytestconfig.getoption("reportchars")


def test_the_root_redirects_to_the_admin_site() -> None:
    assert Client().get("/").headers["Location"] == "/admin/"
