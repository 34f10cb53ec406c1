"""Workers as processes: the command, its signals, and their death."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.deployment import service

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
TIMEOUT = 30
TOKEN = "the-token-of-the-worker-tests"


def database_url() -> str:
    """Return the URL of the tests' database."""
    settings = connection.settings_dict
    if connection.vendor != "postgresql":
        return f"sqlite:///{settings['NAME']}"
    address = f"{settings['HOST']}:{settings['PORT']}"
    return f"postgres://{settings['USER']}@{address}/{settings['NAME']}"


def get(port: int, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def test_the_command_serves_its_health_and_ends_at_sigterm() -> None:
    port = service.free_port()
    command = [sys.executable, "manage.py", "work", f"--listen=127.0.0.1:{port}"]
    env = {**os.environ, "DATABASE_URL": database_url(), "METRICS_TOKEN": TOKEN}
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as worker:
        try:
            wait_for_metric(port, r'^webchats_jobs_waiting{kind="reply"} 0\.0$')
            statuses = [get(port, path)[0] for path in ("/healthz", "/readyz", "/admin/")]
            worker.send_signal(signal.SIGTERM)
            _, log = worker.communicate(timeout=TIMEOUT)
        finally:
            worker.kill()
    assert statuses == [200, 200, 404]
    assert (worker.returncode, log) == (0, "")


def wait_for_metric(port: int, pattern: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    metrics = ""
    while not re.search(pattern, metrics, re.MULTILINE):
        assert time.monotonic() < deadline, metrics
        time.sleep(0.1)
        with suppress(OSError):
            _, metrics = get(port, "/metrics")


@pytest.mark.parametrize(
    "address",
    ["8004", "127.0.0.1:", "127.0.0.1:99999"],
    ids=["no-address", "no-port", "no-such-port"],
)
def test_an_unusable_address_is_reported(address: str) -> None:
    with pytest.raises(CommandError, match="cannot be used"):
        call_command("work", listen=address)


def test_killed_workers_answer_each_conversation_once() -> None:
    """A short form of ``tests.benchmarks.worker_kills``."""
    command = [sys.executable, "-m", "tests.benchmarks.worker_kills", "--kills=6"]
    done = subprocess.run(
        [*command, f"--url={database_url()}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 conversations with exactly one answer" in done.stdout
