"""Prometheus on the loopback interface, with the configuration of docs/operations.md."""

import dataclasses
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.deployment import service
from tests.deployment.expressions import ALERTS_FILE
from tests.deployment.site import Site

TOKEN = "the-token-of-the-monitoring-tests"


@dataclasses.dataclass
class Prometheus:
    """A running server."""

    port: int

    def get(self, path: str, **parameters: str) -> Any:
        """Return the ``data`` of the response to ``GET /api/v1/{path}``.

        Raises ``urllib.error.HTTPError`` if the server rejects the request.
        """
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(url, timeout=10) as response:
            return json.load(response)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query, each with ``metric`` (labels) and ``value``."""
        result: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return result

    def wait_for(self, expression: str, results: int) -> None:
        """Wait until a query returns this many series; raise ``TimeoutError`` after 60 seconds."""
        deadline = time.monotonic() + 60
        while len(self.query(expression)) != results:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{expression}: {self.get('targets')}")
            time.sleep(0.2)


@contextmanager
def running_instance(
    site: Site, name: str, static_root: str, **changes: str
) -> Iterator[tuple[int, Path]]:
    """Yield the port of an instance and the directory of its icons.

    ``changes`` are further variables.
    """
    port, folder = service.free_port(), site.folder / name
    folder.mkdir()
    variables = {
        "GRANIAN_WORKERS": "1",
        "METRICS_TOKEN": TOKEN,
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "ALLOWED_HOSTS": f"{service.HOST},127.0.0.1",
        "ICONS_ROOT": str(folder / "icons"),
        "STATIC_ROOT": static_root,
        "RELEASE": name,
        **changes,
    }
    with dataclasses.replace(site, folder=folder, variables=variables).served(port):
        yield port, folder / "icons"


@contextmanager
def running_prometheus(ports: Sequence[int], folder: Path) -> Iterator[Prometheus]:
    """Yield a server that scrapes these ports every second, with the documented configuration."""
    config = _documented_config()
    (job,) = config["scrape_configs"]
    job["scrape_interval"] = "1s"
    job["authorization"]["credentials"] = TOKEN
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{port}" for port in ports]
    config["global"] = {"evaluation_interval": "1s"}
    config["rule_files"] = [str(ALERTS_FILE)]
    file, port, log = folder / "prometheus.yml", service.free_port(), folder / "prometheus.log"
    file.write_text(yaml.safe_dump(config))
    command = [
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with service.running_process(command, {"PATH": "/usr/local/bin:/usr/bin:/bin"}, log) as process:
        server, deadline = Prometheus(port), time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError):
                server.get("status/buildinfo")
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"Prometheus did not start:\n{log.read_text()}")
        yield server


def _documented_config() -> Any:
    """Return the configuration in docs/operations.md."""
    page = (service.ROOT / "docs" / "operations.md").read_text()
    (block,) = re.findall(r"^```yaml\n(scrape_configs:.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return yaml.safe_load(block)
