"""Caddy with the Caddyfile of this repository, in front of instances on the loopback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.operations import service

#: From its wheel.
_PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
CADDY = shutil.which("caddy", path=_PLACES) or "caddy"
ADDRESSES = {
    "ALLOWED_HOSTS": f"http://{service.HOST}",
    "ICONS_HOST": "http://icons.invalid",
}


@contextmanager
def running_proxy(ports: Sequence[int], folder: Path) -> Iterator[int]:
    """Give the port of a proxy that sends to ``ports`` as the deployed one sends to its
    instances; only names and ports differ."""
    port, log = service.free_port(), folder / "caddy.log"
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **ADDRESSES}
    (folder / "caddy.json").write_text(json.dumps(_on_the_loopback(_adapted(env), port, ports)))
    command = [CADDY, "run", "--config", str(folder / "caddy.json")]
    with service.started(command, env, log) as process:
        service.wait_until_alive(port, process, log)
        yield port


def _adapted(env: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [CADDY, "adapt", "--config", service.ROOT / "Caddyfile", "--adapter", "caddyfile"],
        env=env,
        capture_output=True,
        check=True,
    )
    adapted: dict[str, Any] = json.loads(done.stdout)
    return adapted


def _on_the_loopback(config: dict[str, Any], port: int, ports: Sequence[int]) -> dict[str, Any]:
    (server,) = config["apps"]["http"]["servers"].values()
    server |= {"listen": [f"127.0.0.1:{port}"], "automatic_https": {"disable": True}}
    text = json.dumps(config)
    for number, instance in enumerate(ports, start=1):
        name = f'"web-{number}:8000"'
        assert text.count(name) == 1
        text = text.replace(name, f'"127.0.0.1:{instance}"')
    return {**json.loads(text), "admin": {"disabled": True}}
