"""Consistency of compose.yaml, also with the Dockerfile, the Caddyfile and the settings.

``.ci/run`` validates its syntax. ``tests/deployment/smoke.py`` starts it, with a container engine.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command, get_commands

from tests.deployment import image
from tests.deployment.proxy import adapted
from tests.deployment.rolling_restart import DRAIN_SECONDS, GRACE_SECONDS
from tests.deployment.service import ROOT
from tests.support.environment import load_settings, settings_from
from webchats.conversations.live.streams import HEARTBEAT_SECONDS, LIFETIME_SECONDS

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
INSTANCES = [name for name in SERVICES if name.startswith("web-")]
OWN_IMAGE = SERVICES["web-1"]["image"]
OWN = [name for name, options in SERVICES.items() if options["image"] == OWN_IMAGE]
PULLED = sorted(SERVICES.keys() - OWN)
EXAMPLE = (ROOT / ".env.example").read_text()

each_service = pytest.mark.parametrize("name", SERVICES)
each_instance = pytest.mark.parametrize("name", INSTANCES)


def interpolate(text: str, variables: dict[str, str]) -> str:
    """Return a text with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?error}`` replaced."""
    innermost = re.compile(r"\$\{(\w+)(?::([-?])([^${}]*))?\}")
    while match := innermost.search(text):
        value = variables.get(match[1], "")
        if not value:
            assert match[2] != "?", match[0]
            value = match[3] or ""
        text = text[: match.start()] + value + text[match.end() :]
    return text


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def runs_once(name: str) -> bool:
    """Return whether another service waits for this one to complete."""
    conditions = [
        dependency["condition"]
        for options in SERVICES.values()
        if isinstance(options.get("depends_on"), dict)
        for needed, dependency in options["depends_on"].items()
        if needed == name
    ]
    return "service_completed_successfully" in conditions


@each_service
def test_a_service_restarts_unless_it_runs_once(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if runs_once(name) else "unless-stopped")


@each_service
def test_logs_and_memory_are_limited(name: str) -> None:
    assert SERVICES[name]["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert "mem_limit" in SERVICES[name]


@pytest.mark.parametrize("name", OWN)
def test_full_temporary_files_leave_space_for_metrics(name: str) -> None:
    """A process that writes to a mapped file without space gets the signal SIGBUS."""
    mounts = dict(mount.split(":") for mount in SERVICES[name]["tmpfs"])
    assert image.VARIABLES["PROMETHEUS_MULTIPROC_DIR"] in mounts
    sizes = [int(re.findall(r"size=(\d+)m", options)[0]) for options in mounts.values()]
    assert sum(sizes) <= 300


@each_service
def test_no_container_can_gain_privileges(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert not SERVICES[name].get("privileged")


# SeaweedFS's entrypoint changes the owner of all files in its volume and needs capabilities.
@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"store"}))
def test_a_container_is_read_only_without_capabilities(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", OWN)
def test_own_image_needs_no_capability_or_volume(name: str) -> None:
    assert not SERVICES[name].keys() & {"cap_add", "volumes", "user"}


@each_service
def test_every_server_has_a_health_check(name: str) -> None:
    check = SERVICES[name].get("healthcheck", {})
    if name in (*INSTANCES, "live", "worker"):
        assert not check  # The image has one.
    elif name in OWN:
        assert check == {"disable": True}
    else:
        assert check["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"proxy"}))
def test_only_the_proxy_is_published_beyond_this_machine(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", PULLED)
def test_a_pulled_image_has_a_version(name: str) -> None:
    assert re.search(r":\d[\d.]*(-alpine)?$", SERVICES[name]["image"])


def test_one_service_builds_the_image_and_none_pulls_it() -> None:
    # Docker builds services in parallel, and fails if two of them write the same tag.
    assert [name for name in SERVICES if "build" in SERVICES[name]] == ["migrate"]
    assert {SERVICES[name]["pull_policy"] for name in OWN} == {"never"}


def test_every_volume_is_declared_and_used() -> None:
    used = {
        volume.split(":")[0]
        for options in SERVICES.values()
        for volume in options.get("volumes", [])
        if not volume.startswith("./")
    }
    assert used == COMPOSE["volumes"].keys()


@each_instance
def test_an_instance_starts_on_a_migrated_database(name: str) -> None:
    condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
    assert condition == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"


def test_dependency_on_a_service_with_a_profile_is_optional() -> None:
    for name, options in SERVICES.items():
        dependencies = options.get("depends_on", {})
        for needed in dependencies:
            if not set(SERVICES[needed].get("profiles", [])) <= set(options.get("profiles", [])):
                assert dependencies[needed]["required"] is False, (name, needed)


def test_every_management_command_exists() -> None:
    commands = re.findall(r"manage\.py,? (\w+)", (ROOT / "compose.yaml").read_text())
    assert len(commands) > 3
    assert set(commands) <= get_commands().keys()


@each_instance
def test_grace_period_covers_draining_and_shutdown(name: str) -> None:
    kill_timeout = image.COMMAND[image.COMMAND.index("--workers-kill-timeout") + 1]
    grace = seconds(SERVICES[name]["stop_grace_period"])
    assert grace == GRACE_SECONDS
    assert grace > int(kill_timeout) + DRAIN_SECONDS


@each_instance
def test_an_instance_drains_before_it_stops(name: str) -> None:
    (hook,) = SERVICES[name]["pre_stop"]
    script = hook["command"][-1]
    assert image.VARIABLES["DRAIN_FILE"] in script
    assert f"sleep({DRAIN_SECONDS})" in script


def test_the_proxy_notices_a_draining_instance_in_time() -> None:
    caddyfile = (ROOT / "Caddyfile").read_text()
    interval, timeout = re.findall(r"health_(?:interval|timeout) (\w+)", caddyfile)
    assert seconds(interval) + seconds(timeout) <= DRAIN_SECONDS


def test_the_instances_together_use_fewer_connections_than_postgresql_allows() -> None:
    database = load_settings(DATABASE_URL="postgres://database/webchats")["DATABASES"]["default"]
    pool = database["OPTIONS"]["pool"]["max_size"]
    # If the database hangs, other threads respond to health checks.
    assert pool + 4 <= int(image.VARIABLES["GRANIAN_BLOCKING_THREADS"])
    connections = len(INSTANCES) * int(image.VARIABLES["GRANIAN_WORKERS"]) * pool
    for name in ("live", "worker"):
        connections += int(SERVICES[name]["environment"]["DATABASE_POOL_SIZE"])
    # Of 100 (max_connections), 3 are reserved. An upgrade and the daily commands need some too.
    assert connections <= 80


def test_the_live_process_can_hold_more_streams_than_the_server_allows_by_default() -> None:
    options = dict(
        option.split("=")
        for option in SERVICES["live"]["command"]
        if option.startswith("--")
        if "=" in option
    )
    assert SERVICES["live"]["ulimits"]["nofile"]["soft"] > int(options["--backpressure"])
    assert options["--workers"] == options["--blocking-threads"] == "1"


def test_the_grace_period_of_the_live_process_covers_its_shutdown() -> None:
    (kill_timeout,) = re.findall(r"kill-timeout=(\d+)", str(SERVICES["live"]["command"]))
    shutdown = load_settings()["LIVE_SHUTDOWN_SECONDS"]
    assert shutdown < int(kill_timeout)
    assert seconds(SERVICES["live"]["stop_grace_period"]) > shutdown + int(kill_timeout)


def test_the_grace_period_of_the_worker_covers_its_shutdown() -> None:
    shutdown = load_settings()["WORKER_SHUTDOWN_SECONDS"]
    # The end of a job that is left to others takes up to a few statements.
    assert seconds(SERVICES["worker"]["stop_grace_period"]) >= shutdown + 10


def find_route(config: dict[str, Any], host: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the server and the route of a host in a configuration of Caddy."""
    (found,) = [
        (server, route)
        for server in config["apps"]["http"]["servers"].values()
        for route in server["routes"]
        for matcher in route["match"]
        if host in matcher["host"]
    ]
    return found


def upstreams(config: dict[str, Any], host: str) -> list[str]:
    """Return the addresses that a configuration of Caddy forwards a host to."""
    _, route = find_route(config, host)
    return re.findall(r"'dial': '([^']+)'", str(route))


def test_the_proxy_forwards_to_every_instance_and_to_the_store() -> None:
    config = adapted("chat.example.com", "icons.example.com")
    port = image.COMMAND[image.COMMAND.index("--port") + 1]
    servers = [f"{name}:{port}" for name in ("live", *INSTANCES)]
    assert upstreams(config, "chat.example.com") == servers
    assert upstreams(config, "icons.example.com") == ["store:8333"]
    assert "-s3.port=8333" in SERVICES["store"]["command"]


def test_the_memory_of_the_proxy_holds_a_thousand_buffered_bodies() -> None:
    _, route = find_route(adapted("chat.example.com"), "chat.example.com")
    (buffered,) = map(int, re.findall(r"'request_buffers': (\d+)", str(route)))
    # A complete body is buffered, so it does not occupy a thread while it arrives.
    assert buffered == load_settings()["MAX_BODY_BYTES"]
    assert "MAX_BODY_BYTES" in SERVICES["proxy"]["environment"]
    memory = int(SERVICES["proxy"]["mem_limit"].removesuffix("g")) << 30
    # Go doubles a buffer that grows.
    assert memory >= 1_000 * 2 * buffered


def test_the_proxy_holds_ten_thousand_streams() -> None:
    proxy, streams = SERVICES["proxy"], 10_000
    assert proxy["ulimits"]["nofile"]["soft"] >= 2 * streams
    # See docs/performance.md for the memory of a stream over HTTP/2, and of the process.
    needed = streams * 130 * 1024 + (75 << 20)
    assert needed <= int(proxy["environment"]["GOMEMLIMIT"].removesuffix("MiB")) << 20


def test_a_client_cannot_have_an_instance_skipped_by_a_refused_body() -> None:
    _, route = find_route(adapted("chat.example.com"), "chat.example.com")
    assert "'active'" in str(route)
    assert "'passive'" not in str(route)


def test_the_service_ends_streams_before_the_proxy_does() -> None:
    server, _ = find_route(adapted("chat.example.com"), "chat.example.com")
    assert max(LIFETIME_SECONDS) + HEARTBEAT_SECONDS <= server["write_timeout"] / 1e9


def test_the_proxy_ends_requests_that_are_too_slow() -> None:
    server, _ = find_route(adapted("chat.example.com"), "chat.example.com")
    timeouts = [server[f"{name}_timeout"] / 1e9 for name in ("read_header", "read", "write")]
    assert timeouts == [10, 120, 600]


@pytest.mark.parametrize(
    ("site", "host", "listeners"),
    [
        ("a.example.com, b.example.com", "a.example.com", [":443"]),
        ("a.example.com, b.example.com", "b.example.com", [":443"]),
        ("http://localhost", "localhost", [":80"]),
    ],
)
def test_proxy_serves_https_unless_the_address_is_http(
    site: str, host: str, listeners: list[str]
) -> None:
    server, _ = find_route(adapted(site), host)
    assert server["listen"] == listeners


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({"ALLOWED_HOSTS": "chat.example.com"}, "chat.example.com"),
        ({"ALLOWED_HOSTS": "localhost", "SITE_ADDRESS": "http://localhost"}, "http://localhost"),
    ],
)
def test_the_proxy_serves_the_allowed_hosts_by_default(
    variables: dict[str, str], address: str
) -> None:
    environment = SERVICES["proxy"]["environment"]
    assert interpolate(environment["SITE_ADDRESS"], variables) == address


def test_every_variable_is_in_the_example_and_documented() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    documented = (ROOT / "docs/configuration.md").read_text()
    assert used <= set(re.findall(r"^#?(\w+)=", EXAMPLE, re.MULTILINE))
    assert used <= set(re.findall(r"`(\w+)`", documented))


def test_the_example_with_secrets_passes_the_deployment_check(tmp_path: Path) -> None:
    given = dict(line.split("=", 1) for line in EXAMPLE.splitlines() if re.match(r"[A-Z]", line))
    given |= {"SECRET_KEY": "k9" * 40 + "-a-key", "POSTGRES_PASSWORD": "a-password"}
    container = given | {
        name: interpolate(value, given) for name, value in SERVICES["web-1"]["environment"].items()
    }
    assert container["DATABASE_URL"] == "postgres://webchats:a-password@database:5432/webchats"
    (tmp_path / "staticfiles.json").touch()
    with settings_from(**container, STATIC_ROOT=str(tmp_path)):
        call_command("check", deploy=True, fail_level="WARNING")


def test_an_external_database_overrides_the_container() -> None:
    url = SERVICES["web-1"]["environment"]["DATABASE_URL"]
    given = {"DATABASE_URL": "postgres://u:p@db.example.com/x", "POSTGRES_PASSWORD": "unused"}
    assert interpolate(url, given) == given["DATABASE_URL"]
