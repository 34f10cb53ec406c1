"""Crash reports reach Sentry, without data of the request and without secrets."""

import gzip
import json
import queue
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.observability.processes import ROOT, Worker, environment
from webchat_project.observability.sentry import cleaned

SECRET = "xyzzy-plugh-42"


class Ingest(ThreadingHTTPServer):
    """A server that receives reports as Sentry does."""

    def __init__(self) -> None:
        self.received: queue.Queue[bytes] = queue.Queue()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def dsn(self) -> str:
        """The value for ``SENTRY_DSN``."""
        return f"http://public@127.0.0.1:{self.server_port}/1"

    def next_event(self) -> dict[str, Any]:
        """Wait for the next report, and return it."""
        body = self.received.get(timeout=30)
        assert SECRET.encode() not in body
        header, item, payload, *_ = body.split(b"\n")
        assert json.loads(item)["type"] == "event", (header, item)
        event: dict[str, Any] = json.loads(payload)
        return event


class _Handler(BaseHTTPRequestHandler):
    server: Ingest

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.received.put(body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def send(url: str, body: bytes | None = None) -> tuple[int, str]:
    """Send secrets in a request that fails. Return the status and the request's id."""
    headers = {
        "Authorization": f"Bearer wck_{SECRET}",
        "Cookie": f"sessionid={SECRET}; csrftoken={SECRET}",
        "Content-Type": "application/json",
        "User-Agent": SECRET,
        "X-Forwarded-For": SECRET,
    }
    request = urllib.request.Request(url, body, headers)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=30)
    error.value.close()
    return error.value.code, error.value.headers["X-Request-ID"]


def test_crash_report_has_no_data_of_the_request(ingest: Ingest, tmp_path: Path) -> None:
    release = {"SENTRY_DSN": ingest.dsn, "RELEASE": "v1.2.3", "TRUSTED_PROXIES": "1"}
    worker = Worker(environment(tmp_path, **release))
    try:
        # The database has no tables.
        widget = send(f"{worker.address}/widget/{'0' * 24}/config?token={SECRET}")
        event = ingest.next_event()
        sent = json.dumps({"email": "ada@example.com", "password": SECRET}).encode()
        api = send(f"{worker.address}/api/auth/login?token={SECRET}", sent)
        other = ingest.next_event()
    finally:
        output = worker.stop()
    assert (widget[0], api[0]) == (503, 503)
    types = [exception["type"] for exception in event["exception"]["values"]]
    assert types == ["OperationalError", "OperationalError"]
    assert event["tags"]["request_id"] == widget[1]
    assert event["release"] == "v1.2.3"
    assert event["request"] == {"method": "GET"}
    assert other["tags"]["request_id"] == api[1]
    assert "ada@example.com" not in json.dumps(other)
    assert ingest.received.empty()
    assert SECRET not in output


def test_secret_in_a_crash_report_is_removed() -> None:
    value = f"refused: Bearer {SECRET} for postgres://user:{SECRET}@host/name"
    event = {
        "exception": {"values": [{"type": "ValueError", "value": value}]},
        "request": {"headers": {"X": SECRET}, "data": SECRET, "url": SECRET, "method": "GET"},
        "extra": {"request": SECRET},
        "breadcrumbs": {"values": [{"message": SECRET}]},
        "user": {"ip_address": SECRET},
        "tags": None,
    }
    report = cleaned(event)
    assert SECRET not in json.dumps(report)
    assert report["exception"]["values"][0]["value"] == (
        "refused: Bearer [removed] for postgres://[removed]@host/name"
    )


def check(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        check=False,
    )


def test_missing_sentry_package_is_reported(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['sentry_sdk'] = None\n")
    settings = {"SENTRY_DSN": "https://key@sentry.example.com/1", "PYTHONPATH": str(tmp_path)}
    result = check(tmp_path, **settings)
    assert result.returncode == 1
    assert "observability.E003" in result.stderr
    assert "sentry-sdk is missing" in result.stderr
    without = check(tmp_path, PYTHONPATH=str(tmp_path))
    assert without.returncode == 0, without.stderr
