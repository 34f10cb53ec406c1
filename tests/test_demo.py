"""The command ``manage.py demo``."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from webchats import examples

ROOT = Path(__file__).resolve().parent.parent


def environment(folder: Path, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        "PYTHONUNBUFFERED": "1",
        **changes,
    }


def demo(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=ROOT,
        env=environment(folder, **changes),
        capture_output=True,
        text=True,
        check=False,
    )


def rows(folder: Path) -> str:
    """Return all rows of the project as JSON."""
    return subprocess.run(
        [sys.executable, "manage.py", "dumpdata", "organizations", "webchats"],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def without_token(output: str) -> str:
    return re.sub(r"Bearer [\w.-]+", "Bearer …", output)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a running demo, and its output."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (tmp_path / "output").open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(port)],
            cwd=ROOT,
            env=environment(tmp_path),
            stdout=output,
            stderr=subprocess.STDOUT,
            # A background job of a shell ignores SIGINT, and its children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=5)
            except OSError:
                assert time.monotonic() < deadline, (tmp_path / "output").read_text()
                assert server.poll() is None, (tmp_path / "output").read_text()
                time.sleep(0.2)
            else:
                break
        yield address, (tmp_path / "output").read_text()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


def test_seeding_twice_changes_nothing(tmp_path: Path) -> None:
    first = demo(tmp_path, "--seed-only")
    assert first.returncode == 0, first.stderr
    before = rows(tmp_path)
    second = demo(tmp_path, "--seed-only")
    assert without_token(second.stdout) == without_token(first.stdout)
    assert rows(tmp_path) == before
    assert examples.PROMPT_ID in before


def test_printed_curl_command_creates_the_documented_webchat(served: tuple[str, str]) -> None:
    address, output = served
    if shutil.which("curl") is None:
        assert "CI" not in os.environ, "curl is not installed"
        pytest.skip("curl is not installed")
    command = output[output.index("curl --request POST") :].split("\n'\n")[0] + "\n'"
    assert f"--url {address}/api/webchats" in command
    response = subprocess.run(
        ["bash", "-c", f"{command} --silent --write-out '\n%{{http_code}}'"],
        capture_output=True,
        text=True,
        check=True,
    )
    body, status = response.stdout.rsplit("\n", 1)
    assert status == "201", response.stdout
    stored = json.loads(body)
    assert stored["message"] == "Webchat configuration created"
    assert stored["data"].keys() == examples.DOCUMENT.keys()
    assert stored["data"].items() >= examples.REQUEST.items()


def test_demo_refuses_to_run_in_production(tmp_path: Path) -> None:
    result = demo(tmp_path, "--seed-only", DEBUG="false", SECRET_KEY="k9" * 40)
    assert result.returncode == 1
    assert "requires DEBUG" in result.stderr
    assert not (tmp_path / "demo.sqlite3").exists()
