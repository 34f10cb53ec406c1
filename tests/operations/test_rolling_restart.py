"""The short form of ``python -m tests.operations.rolling_restart``."""

from pathlib import Path

import pytest

from tests.operations.rolling_restart import Site, replace_under_load, stop_under_load


@pytest.fixture
def site(empty_database: str, tmp_path: Path) -> Site:
    return Site.on(empty_database, tmp_path, clients=4, variables={"GRANIAN_WORKERS": "1"})


def test_a_server_that_stops_answers_every_request_that_it_was_sent(site: Site) -> None:
    account = stop_under_load(site)
    assert not account.lost, account
    assert not account.failed, account
    assert site.created() == account.answered[201]


def test_no_request_fails_while_the_instances_are_replaced(site: Site) -> None:
    account = replace_under_load(site, before=0, whole=0)
    assert account.answered[201] > 1
    assert not account.lost, account
    assert not account.failed, account
    assert not account.refused, account
    assert site.created() == account.answered[201]
