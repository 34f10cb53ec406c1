"""The service behind PgBouncer in transaction mode, as docs/operations.md describes it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.deployment import service
from tests.deployment.pgbouncer import PROGRAM, running_pgbouncer
from tests.deployment.site import Site

#: More than an export reads at a time.
ROWS = 2_500
#: Concurrent clients: more than the connections of PgBouncer.
CLIENTS = 6


def copy_webchat(database: str, webchat: str) -> None:
    """Copy a webchat until its organization has ``ROWS`` more."""
    with psycopg.connect(database) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT column_name::text FROM information_schema.columns"
                " WHERE table_name = 'webchats_webchat' AND column_name <> 'id'"
            )
        ]
        columns = ", ".join(f'"{name}"' for name in names)
        connection.execute(
            f"INSERT INTO webchats_webchat (id, {columns})"
            f" SELECT lpad(to_hex(number), 24, '0'), {columns} FROM webchats_webchat,"
            " generate_series(1, %s) number WHERE id = %s",
            [ROWS, webchat],
        )


def export_when_possible(port: int, key: dict[str, str]) -> service.Response:
    """Export the webchats, after the other exports of the organization."""
    deadline = time.monotonic() + 60
    while True:
        response = service.get(port, "/api/webchats/export?format=ndjson", **key)
        if response.status != 503 or time.monotonic() > deadline:
            return response
        time.sleep(0.1)


def test_concurrent_requests_and_exports_work_in_transaction_mode(
    empty_database: str, tmp_path: Path
) -> None:
    if PROGRAM is None:
        assert "CI" not in os.environ, "No pgbouncer: install Debian's package."
        pytest.skip("No pgbouncer: install it.")
    site = Site.create(empty_database, tmp_path, webchats=1)
    webchat = site.seeded["webchats"][0]
    copy_webchat(empty_database, webchat)
    site.variables = {"DATABASE_PREPARED_STATEMENTS": "false", "GRANIAN_WORKERS": "1"}
    key = {"Authorization": f"Bearer {site.seeded['key']}"}
    port = service.free_port()

    def use(client: int) -> list[int]:
        """Export, read and write; return the statuses, and the number of exported lines."""
        statuses = []
        for position in range(2):
            export = export_when_possible(port, key)
            page = service.get(port, "/api/webchats?search=shop&limit=5", **key)
            body = {"offsetX": (client + position) % 200}
            change = service.send(port, "PUT", f"/api/webchats/{webchat}", body, **key)
            statuses += [export.status, page.status, change.status, export.body.count("\n")]
        return statuses

    with running_pgbouncer(empty_database, tmp_path) as site.database, site.served(port):
        with ThreadPoolExecutor(CLIENTS) as threads:
            results = list(threads.map(use, range(CLIENTS)))
        readiness = service.get(port, "/readyz")
    assert results == [[200, 200, 200, ROWS + 1] * 2] * CLIENTS
    assert readiness.status == 200
