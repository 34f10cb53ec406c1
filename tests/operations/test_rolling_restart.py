"""The short form of ``python -m tests.operations.rolling_restart``."""

from collections.abc import Callable

import pytest

from tests.operations.load import Account
from tests.operations.rolling_restart import (
    Site,
    reload_under_load,
    replace_under_load,
    stop_under_load,
)


@pytest.fixture(scope="module")
def site(empty_database: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    return Site.on(empty_database, folder, clients=4, variables={"GRANIAN_WORKERS": "1"})


@pytest.fixture
def whole(site: Site) -> Callable[[Account], None]:
    """``whole(account)``: no request was lost or failed, and each row was made once."""
    before = site.created()

    def check(account: Account) -> None:
        assert account.answered[201] > 1
        assert not account.lost, account
        assert not account.failed, account
        assert site.created() - before == account.answered[201]

    return check


def test_a_server_that_stops_answers_every_request_that_it_was_sent(
    site: Site, whole: Callable[[Account], None]
) -> None:
    whole(stop_under_load(site))


def test_no_request_fails_while_the_instances_are_replaced(
    site: Site, whole: Callable[[Account], None]
) -> None:
    account = replace_under_load(site, before=0, whole=0)
    whole(account)
    assert account.refused == 0


def test_no_request_fails_while_the_server_reloads_its_code(
    site: Site, whole: Callable[[Account], None]
) -> None:
    account = reload_under_load(site)
    whole(account)
    assert account.refused == 0
