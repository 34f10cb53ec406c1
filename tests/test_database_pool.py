"""The pool of database connections of a process, while other requests use all of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from time import monotonic

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import RequestFactory

from organizations.tenancy.large_responses import LARGE_BYTES
from webchat_project.api.exceptions import Unavailable, unavailable_or_none
from webchat_project.body_size import LargeResponseMiddleware
from webchat_project.postgresql.base import DatabaseWrapper, breaker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL has a pool."),
]
SIZE, TIMEOUT = 2, 0.3
Connect = Callable[[], DatabaseWrapper]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return connections from a pool of ``SIZE``, as threads of a process do."""
    pool = {**connection.settings_dict["OPTIONS"]["pool"], "max_size": SIZE, "timeout": TIMEOUT}
    options = {**connection.settings_dict["OPTIONS"], "pool": pool}
    with ExitStack() as stack:

        def connect() -> DatabaseWrapper:
            wrapper = DatabaseWrapper(
                {**connection.settings_dict, "OPTIONS": options}, alias="small-pool"
            )
            stack.callback(wrapper.close)
            wrapper.ensure_connection()
            return wrapper

        with closing(connect()) as first:
            stack.callback(first.close_pool)
        yield connect
    breaker.reset()


def test_a_busy_pool_refuses_one_request_and_serves_the_next(connect: Connect) -> None:
    used = [connect() for _ in range(SIZE)]
    with pytest.raises(OperationalError) as raised:
        connect()
    assert isinstance(unavailable_or_none(raised.value), Unavailable)
    # Threads do not wait in turn: they would be missing for requests without a connection.
    start = monotonic()
    with pytest.raises(OperationalError):
        connect()
    assert monotonic() - start < TIMEOUT
    used[0].close()
    connect().cursor().execute("SELECT 1")
    # All are in use again: the next request waits for one.
    start = monotonic()
    with pytest.raises(OperationalError):
        connect()
    assert monotonic() - start >= TIMEOUT
    assert not breaker.is_open


def test_a_large_response_uses_no_connection_while_it_is_sent() -> None:
    connection.ensure_connection()
    middleware = LargeResponseMiddleware(lambda request: HttpResponse(b" " * (LARGE_BYTES + 1)))
    with closing(middleware(RequestFactory().get("/"))) as response:
        assert response.status_code == 200
        assert connection.connection is None
