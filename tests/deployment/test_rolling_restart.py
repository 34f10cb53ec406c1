"""The parts of ``python -m tests.deployment.rolling_restart``, with a short load."""

from collections.abc import Callable

import pytest

from tests.deployment.load import Outcome
from tests.deployment.rolling_restart import (
    reload_under_load,
    replace_under_load,
    stop_under_load,
)
from tests.deployment.site import Site


@pytest.fixture(scope="module")
def site(empty_database: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    # The pauses leave the processors to other tests.
    variables = {"GRANIAN_WORKERS": "1"}
    return Site.create(empty_database, folder, clients=4, pause=0.05, variables=variables)


@pytest.fixture
def assert_complete(site: Site) -> Callable[[Outcome], None]:
    """``assert_complete(outcome)``: no request was lost or failed, each row was created once."""
    before = site.created()

    def check(outcome: Outcome) -> None:
        assert outcome.responses[201] > 1
        assert not outcome.lost, outcome
        assert not outcome.errors, outcome
        assert site.created() - before == outcome.responses[201]

    return check


def test_a_stopping_server_responds_to_every_request_it_received(
    site: Site, assert_complete: Callable[[Outcome], None]
) -> None:
    outcome = stop_under_load(site)
    assert_complete(outcome)
    # Each client can be in the accept queue once when the listening socket is closed.
    assert outcome.reset <= site.clients


def test_no_request_fails_while_the_instances_are_replaced(
    site: Site, assert_complete: Callable[[Outcome], None]
) -> None:
    outcome = replace_under_load(site, before=0, total=0)
    assert_complete(outcome)
    assert outcome.refused == outcome.reset == 0


def test_no_request_fails_while_the_server_reloads(
    site: Site, assert_complete: Callable[[Outcome], None]
) -> None:
    outcome = reload_under_load(site)
    assert_complete(outcome)
    assert outcome.refused == outcome.reset == 0
