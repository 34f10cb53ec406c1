"""The server, started with the command, health check and variables of the image.

``tests/deployment/smoke.py`` builds the image and checks its content, with a container engine.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from django.apps import apps
from django.template import engines

from tests.deployment import image, service, smoke
from tests.deployment.proxy import running_proxy
from tests.deployment.rolling_restart import GRACE_SECONDS
from tests.deployment.service import ROOT

OPERATIONS = (ROOT / "docs/operations.md").read_text()


class Server(NamedTuple):
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    environment: dict[str, str]


def health_check(port: int) -> int:
    """Run the image's health check; return its exit status."""
    command = image.on_port(image.HEALTH_CHECK, port)
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.fixture(scope="module")
def server(static_root: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server on an empty database, for a proxy without TLS."""
    with running_server(static_root, tmp_path_factory.mktemp("image")) as running:
        yield running


@contextmanager
def running_server(static_root: str, folder: Path) -> Iterator[Server]:
    """Run the server until the end of the block, with its files in ``folder``."""
    port, log = service.free_port(), folder / "server.log"
    environment = service.production_environment(
        f"sqlite:///{folder}/db.sqlite3",
        **image.VARIABLES
        | {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "STATIC_ROOT": static_root,
            "ICONS_ROOT": str(folder / "icons"),
            "SECURE_SSL_REDIRECT": "false",
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            "DRAIN_FILE": str(folder / "draining"),
        },
    )
    service.manage("migrate", "--verbosity", "0", **environment)
    command = image.on_port(image.COMMAND, port)
    with service.running_process(command, environment, log) as process:
        service.wait_until_healthy(port, process, log)
        yield Server(port, process, environment)


def test_health_check_passes_with_an_address_as_host(server: Server) -> None:
    assert health_check(server.port) == 0


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("identity", None)])
def test_static_files_are_compressed_and_immutable(
    server: Server, accepted: str, encoding: str | None
) -> None:
    page = service.get(server.port, "/admin/login/").body
    path = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert path, page
    response = service.get(server.port, path[1], **{"Accept-Encoding": accepted})
    assert response.status == 200
    assert response.headers["Content-Encoding"] == encoding
    assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"


def test_a_new_installation_works_behind_the_proxy(server: Server, tmp_path: Path) -> None:
    def manage(arguments: list[str], variables: dict[str, str]) -> str:
        return service.manage(*arguments, **server.environment, **variables)

    with running_proxy([server.port, server.port], tmp_path) as port:
        smoke.check_service(smoke.Client(port, service.HOST), manage)


def test_the_smoke_test_needs_only_the_standard_library() -> None:
    # CI runs it without installing anything. -S leaves out the installed packages.
    command = [sys.executable, "-S", "-c", "import tests.deployment.smoke"]
    subprocess.run(command, cwd=ROOT, check=True)


# The last test with ``server``, as it ends the process.
def test_the_server_stops_on_sigterm_and_its_health_check_fails(server: Server) -> None:
    server.process.terminate()
    assert server.process.wait(GRACE_SECONDS) == 0
    assert health_check(server.port) != 0


def test_the_build_context_has_every_app_and_no_other_folder() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    included = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    packages = {
        Path(config.path).relative_to(ROOT).parts[0]
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(ROOT) and ".venv" not in config.path
    }
    templates = {Path(folder).name for folder in engines["django"].dirs}
    assert patterns[0] == "*"
    assert included == packages | templates | {"manage.py", "pyproject.toml", "uv.lock"}


def test_the_image_runs_as_the_unprivileged_owner_of_its_data_folder() -> None:
    (user,) = re.findall(r"^USER (\d+):\d+$", image.TEXT, re.MULTILINE)
    (owner,) = re.findall(r"^COPY .*--chown=(\d+):\d+ /app/data", image.TEXT, re.MULTILINE)
    assert user == owner == smoke.USER_ID
    assert user != "0"


def test_no_variable_of_the_image_is_a_secret() -> None:
    assert not re.findall(r"SECRET|PASSWORD", " ".join(image.VARIABLES))
    assert not re.findall(r"^ARG", image.TEXT, re.MULTILINE)


def test_the_documented_systemd_unit_starts_the_same_server() -> None:
    # The other units are those of the live process and the worker.
    unit, *_ = re.findall(r"^ExecStart=(.*)$", OPERATIONS, re.MULTILINE)
    command = shlex.split(unit.replace("127.0.0.1", "0.0.0.0"))
    assert [Path(command[0]).name, *command[1:]] == image.COMMAND


def test_the_documented_systemd_unit_sets_the_variables_of_the_image() -> None:
    lines = re.findall(r"^Environment=(.*)$", OPERATIONS, re.MULTILINE)
    unit = dict(pair.split("=", 1) for line in lines for pair in shlex.split(line))
    names = ("GRANIAN_", "MALLOC_")
    assert unit == {k: v for k, v in image.VARIABLES.items() if k.startswith(names)}


#: Decodes a large image in four threads; prints the memory in MiB before and after.
_MEASURED = """
import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from PIL import Image
from webchats.icons.images import sanitize_image

def read_memory():
    return int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0]) // 1024

file, all_started = io.BytesIO(), Barrier(4)
Image.new("RGB", (4096, 4096)).save(file, "WEBP", lossless=True, method=0)
before = read_memory()


def decode(content):
    all_started.wait()
    sanitize_image(content)

with ThreadPoolExecutor(4) as threads:
    list(threads.map(decode, [file.getvalue()] * 4))
    print(before, read_memory())
"""


def test_a_process_returns_the_memory_of_large_images() -> None:
    """Otherwise two processes would soon need more than ``mem_limit`` in ``compose.yaml``."""
    variables = {k: v for k, v in image.VARIABLES.items() if k.startswith("MALLOC_")}
    command = [sys.executable, "-c", _MEASURED]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
        text=True,
    )
    before, after = map(int, done.stdout.split())
    assert after < before + 40


def test_the_image_compiles_every_package() -> None:
    (packages,) = re.findall(r"compileall -q ([\w ]+)", image.TEXT)
    included = re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert set(packages.split()) == {name for name in included if list((ROOT / name).glob("*.py"))}
