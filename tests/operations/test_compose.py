"""compose.yaml means what an operator relies on. Its form is checked against the specification's
schema by ``.ci/run``; no container engine is needed for either."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.operations.dockerfile import steps
from tests.operations.service import ROOT
from tests.test_project import check

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
INSTANCES = [name for name in OURS if name.startswith("web-")]
ONE_SHOT = ["migrate", "bucket"]
DOCKERFILE = steps((ROOT / "Dockerfile").read_text())
EXAMPLE = (ROOT / ".env.example").read_text()

each = pytest.mark.parametrize("name", SERVICES)


def interpolated(text: str, given: dict[str, str]) -> str:
    """A text with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?why}`` as compose reads them."""
    innermost = re.compile(r"\$\{(\w+)(?::([-?])([^${}]*))?\}")
    while match := innermost.search(text):
        value = given.get(match[1], "")
        if not value:
            assert match[2] != "?", match[0]
            value = match[3] or ""
        text = text[: match.start()] + value + text[match.end() :]
    return text


@each
def test_a_service_comes_back_and_its_logs_do_not_fill_the_disk(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
    assert SERVICES[name]["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "mem_limit" in SERVICES[name]


@each
def test_a_container_can_gain_no_privilege(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert not SERVICES[name].get("privileged")
    if name != "store":
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", OURS)
def test_our_own_containers_need_no_capability_and_write_to_memory_only(name: str) -> None:
    assert not SERVICES[name].keys() & {"cap_add", "volumes", "user"}


@each
def test_only_the_proxy_is_reached_from_outside(name: str) -> None:
    published = SERVICES[name].get("ports", [])
    if name == "proxy":
        assert published == ["80:80", "443:443", "443:443/udp"]
    else:
        assert all(port.startswith("127.0.0.1:") for port in published)
        assert not published or name in INSTANCES


@each
def test_an_image_is_of_a_version_that_is_named(name: str) -> None:
    if name not in OURS:
        assert re.search(r":[\d.]+(-alpine)?$", SERVICES[name]["image"])


def test_what_keeps_data_keeps_it_in_a_named_volume() -> None:
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    }
    assert used == COMPOSE["volumes"].keys()
    # Since version 18 the image keeps its data in a folder below this one.
    assert SERVICES["database"]["image"].startswith("postgres:18")
    assert SERVICES["database"]["volumes"] == ["database:/var/lib/postgresql"]


def test_the_service_starts_when_the_database_is_migrated() -> None:
    for name in INSTANCES:
        condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert condition == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"


def test_every_command_of_ours_exists() -> None:
    said = " ".join(
        part if isinstance(part, str) else ""
        for name in OURS
        for part in SERVICES[name].get("command", [])
    )
    named = set(re.findall(r"manage\.py (\w+)", said))
    assert named == {"migrate", "make_bucket", *DAILY}
    assert named <= get_commands().keys()


DAILY = {"sweep_icons", "flushexpiredtokens", "clearsessions"}


def test_the_server_has_the_time_to_end_its_requests() -> None:
    command = DOCKERFILE[-1].words
    waits = int(command[command.index("--workers-kill-timeout") + 1])
    for name in INSTANCES:
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > waits


def test_the_database_has_a_connection_for_every_thread_there_may_be() -> None:
    pairs = " ".join(step.rest for step in DOCKERFILE if step.name == "ENV").split()
    variables = dict(pair.split("=", 1) for pair in pairs)
    pool = 8  # the README's default of DATABASE_POOL_SIZE
    assert int(variables["GRANIAN_BLOCKING_THREADS"]) <= pool
    # PostgreSQL allows 100, of which it keeps 3; an upgrade and the daily work take a few.
    assert len(INSTANCES) * int(variables["GRANIAN_WORKERS"]) * pool <= 80


def test_the_proxy_sends_to_every_instance() -> None:
    (upstreams,) = re.findall(r"reverse_proxy (web.*) \{", (ROOT / "Caddyfile").read_text())
    assert upstreams.split() == [f"{name}:8000" for name in INSTANCES]


def test_every_variable_that_an_operator_may_set_is_in_the_example() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    assert used <= set(re.findall(r"^#?(\w+)=", EXAMPLE, re.MULTILINE))


def test_the_example_with_its_secrets_filled_in_is_fit_for_production(tmp_path: Path) -> None:
    given = dict(line.split("=", 1) for line in EXAMPLE.splitlines() if re.match(r"[A-Z]", line))
    given |= {"SECRET_KEY": "k9" * 40 + "-a-key", "POSTGRES_PASSWORD": "a-password"}
    container = given | {
        name: interpolated(value, given) for name, value in SERVICES["web-1"]["environment"].items()
    }
    assert container["DATABASE_URL"] == "postgres://webchats:a-password@database:5432/webchats"
    (tmp_path / "staticfiles.json").touch()
    result = check(**container, STATIC_ROOT=str(tmp_path))
    assert result.returncode == 0, result.stderr


def test_a_database_elsewhere_wins_over_the_one_of_the_file() -> None:
    url = SERVICES["web-1"]["environment"]["DATABASE_URL"]
    given = {"DATABASE_URL": "postgres://u:p@db.example.com/x", "POSTGRES_PASSWORD": "unused"}
    assert interpolated(url, given) == given["DATABASE_URL"]
