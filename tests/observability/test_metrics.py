"""Metrics of requests, imports, storages and processes."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from organizations.models import User
from tests.observability.conftest import Log
from tests.observability.processes import ROOT, Worker, environment
from tests.support import factories
from webchat_project.request_slots import RequestSlots
from webchats.icons.storage import StorageUnavailable, icon_storage

pytestmark = pytest.mark.django_db

TOKEN = "metrics-token-of-the-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def token(settings: Settings) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def count(name: str, **labels: str) -> float:
    """Return the value of a metric."""
    return REGISTRY.get_sample_value(name, labels) or 0


def requests(route: str, status: str, method: str = "GET") -> float:
    """Return the number of counted requests; assert that as many durations were measured."""
    labels = {"method": method, "route": route, "status": status}
    counted = count("webchats_http_requests_total", **labels)
    assert count("webchats_http_request_duration_seconds_count", **labels) == counted
    return counted


def samples(text: str) -> dict[tuple[str, str], float]:
    """Return the value of each sample by its name and its label values, joined by spaces."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_404_without_a_configured_token(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    for headers in ({}, {"authorization": "Bearer "}, BEARER):
        response = Client().get("/metrics", headers=headers)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é", TOKEN],
)
def test_metrics_require_the_token(token: str, header: str | None) -> None:
    response = Client().get("/metrics", headers={"authorization": header} if header else {})
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_wrong_metrics_token_is_logged(token: str, log: Log) -> None:
    Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}x"})
    Client().get("/metrics", headers=BEARER)
    assert [(event["message"], event["kind"]) for event in log.events] == [
        ("bad_credential", "metrics_token")
    ]
    assert TOKEN not in log.text


def test_requests_are_counted_by_route_and_status_class(token: str, api: Any, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    before = requests("/api/webchats/<pk>", "2xx"), requests("/api/webchats/<pk>", "4xx")
    for name in (webchat.pk, webchat.pk, "0" * 24):
        api(admin).get(f"/api/webchats/{name}?search=x")
    after = requests("/api/webchats/<pk>", "2xx"), requests("/api/webchats/<pk>", "4xx")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 1)


def test_unknown_paths_and_methods_add_no_labels(token: str) -> None:
    before = requests("(unknown)", "4xx"), requests("(unknown)", "4xx", "OTHER")
    for number in range(5):
        Client().get(f"/nothing/{number}")
        Client().generic(f"VERB{number}", f"/nothing/{number}")
    after = requests("(unknown)", "4xx"), requests("(unknown)", "4xx", "OTHER")
    assert (after[0] - before[0], after[1] - before[1]) == (5, 5)
    text = Client().get("/metrics", headers=BEARER).content.decode()
    assert "nothing" not in text
    assert "VERB" not in text


def test_download_is_counted_when_it_ends(token: str, api: Any, admin: User) -> None:
    before = requests("/api/webchats/export", "2xx")
    response = api(admin).get("/api/webchats/export?format=csv")
    assert requests("/api/webchats/export", "2xx") == before
    response.getvalue()
    response.close()
    assert requests("/api/webchats/export", "2xx") == before + 1


def test_requests_are_not_counted_without_a_token(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    before = requests("(unknown)", "4xx")
    Client().get("/nothing")
    assert requests("(unknown)", "4xx") == before


def test_imported_rows_are_counted(api: Any, admin: User) -> None:
    def outcomes() -> list[float]:
        names = ("created", "updated", "unchanged", "rejected")
        return [count("webchats_rows_imported_total", outcome=name) for name in names]

    before = outcomes()
    prompt = factories.PromptFactory.create(organization=admin.organization)
    head = "name,backgroundColor,primaryColor,secondaryColor,promptId,allowedDomains,initialStage\n"
    rows = "".join(
        f"W{n},#FFF,#000,{color},{prompt.pk},,new\n" for n, color in enumerate(("#111", "x"))
    )

    def send(query: str) -> int:
        file = SimpleUploadedFile("a.csv", (head + rows).encode())
        url = f"/api/webchats/import?{query}"
        status: int = api(admin).post(url, {"file": file}, format="multipart").status_code
        return status

    assert send("dryRun=true&skipInvalid=true") == 200
    assert send("") == 400
    assert outcomes() == before
    assert send("skipInvalid=true") == 200
    assert send("skipInvalid=true&update=true") == 200
    assert [after - earlier for earlier, after in zip(before, outcomes(), strict=True)] == [
        1,
        0,
        1,
        2,
    ]


def test_storage_failures_are_counted(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = {"location": str(tmp_path / "file" / "icons")}
    backend = "webchats.icons.local.LocalIconStorage"
    settings.STORAGES = {**settings.STORAGES, "icons": {"BACKEND": backend, "OPTIONS": options}}
    before = count("webchats_storage_failures_total", storage="folder")
    with pytest.raises(StorageUnavailable):
        icon_storage().check_connection()
    assert count("webchats_storage_failures_total", storage="folder") == before + 1


def test_metrics_contain_release_and_pool(token: str, settings: Settings) -> None:
    settings.RELEASE = "v1.2.3"
    exposed = samples(Client().get("/metrics", headers=BEARER).content.decode())
    assert any(name == "webchats_build_info" and "v1.2.3" in labels for name, labels in exposed)
    if connection.vendor == "postgresql":
        assert exposed["webchats_database_pool", "open"] >= 1
        assert ("webchats_database_pool", "waiting") in exposed


@pytest.fixture
def worker_settings(tmp_path: Path) -> dict[str, str]:
    folder = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    return environment(tmp_path, METRICS_TOKEN=TOKEN, RELEASE="v1.2.3", **folder)


def get(worker: Worker, path: str) -> str:
    request = urllib.request.Request(f"{worker.address}{path}", headers=BEARER)
    with urllib.request.urlopen(request, timeout=20) as response:
        text: str = response.read().decode()
        return text


@pytest.fixture
def workers(worker_settings: dict[str, str]) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        started = []
        for _ in range(2):
            started.append(Worker(worker_settings))
            stack.callback(started[-1].stop)
        yield started


def test_metrics_of_processes_are_combined(
    workers: list[Worker], worker_settings: dict[str, str]
) -> None:
    first, second = workers
    for _ in range(3):
        get(first, "/healthz")
    get(second, "/healthz")
    get(second, "/embed.js")
    health, loader = "GET /healthz 2xx", "GET /embed.js 2xx"

    for worker in workers:
        found = samples(get(worker, "/metrics"))
        assert found["webchats_http_requests_total", health] == 4
        assert found["webchats_http_requests_total", loader] == 1
        assert found["webchats_http_request_duration_seconds_count", health] == 4

    folder = Path(worker_settings["PROMETHEUS_MULTIPROC_DIR"])
    gauges = f"gauge_live*_{second.process.pid}.db"
    assert list(folder.glob(gauges))
    second.stop()
    found = samples(get(first, "/metrics"))
    assert found["webchats_http_requests_total", loader] == 1
    builds = [value for (name, _), value in found.items() if name == "webchats_build_info"]
    assert builds == [1]
    assert not list(folder.glob(gauges))


def test_empty_multiprocess_folder_is_ignored(
    tmp_path: Path, worker_settings: dict[str, str]
) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "check"]
    empty = worker_settings | {"PROMETHEUS_MULTIPROC_DIR": ""}
    subprocess.run(command, cwd=tmp_path, env=empty, check=True, capture_output=True)
    assert list(tmp_path.glob("**/*.db")) == []


def test_a_request_that_is_refused_to_serve_others_is_no_error(
    token: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestSlots, "acquire", lambda *_: None)
    routes = ("/api/webchats", "(unknown)")
    before = [requests(route, status) for route in routes for status in ("refused", "5xx")]
    for path in ("/api/webchats", "/nowhere"):
        assert Client().get(path).status_code == 503
    after = [requests(route, status) for route in routes for status in ("refused", "5xx")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 0, 1, 0]
    lines = [(line["level"], line["route"], line["status"]) for line in log.requests]
    assert lines == [("WARNING", route, 503) for route in routes]
